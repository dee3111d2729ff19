"""The report as HTML, without a browser: self-contained, escaped, complete, in the right order."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import io
import json
import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import p31mg
from p31mg.report import charts, page, write_report
from p31mg.report.rows import rows_of

from .conftest import NASTY, Study

VOID = {"meta", "link", "input", "br", "img"}


class Document(html.parser.HTMLParser):
    """A page as a list of elements with their texts, for questions."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[dict[str, Any]] = []
        self._open: list[dict[str, Any]] = []
        self.feed(text)
        self.close()
        assert not self._open, "elements are left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = {"tag": tag, "attributes": {k: v or "" for k, v in attrs}, "text": "", "inside": [*self._open]}
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append({"tag": tag, "attributes": dict(attrs), "text": "", "inside": [*self._open]})

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1]["tag"] == tag, f"{tag} closes {self._open[-1]['tag']}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element["text"] += data

    def all(self, tag: str, **attributes: str) -> list[dict[str, Any]]:
        """Return the elements of a tag whose attributes have these values."""
        wanted = {k.rstrip("_").replace("_", "-"): v for k, v in attributes.items()}
        return [
            e for e in self.elements if e["tag"] == tag and all(e["attributes"].get(k) == v for k, v in wanted.items())
        ]


def written(study: Study, folder: Path, **options: Any) -> str:
    path = write_report(folder, study.table, study.columns, study.provenance, study.curves, **options)
    assert path == folder / "report.html"
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def text(study: Study, tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(study, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def document(text: str) -> Document:
    return Document(text)


def payload(document: Document) -> dict[str, Any]:
    (data,) = document.all("script", type="application/json")
    return json.loads(data["text"])


def table_rows(document: Document) -> list[dict[str, Any]]:
    return [e for e in document.all("tr") if "data-row" in e["attributes"]]


def test_nothing_is_fetched(document: Document, text: str) -> None:
    for element in document.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
            value = element["attributes"].get(name)
            assert value is None or value.startswith(("#", "data:,")), f"{element['tag']} {name}={value}"
    assert not document.all("iframe") + document.all("object") + document.all("base") + document.all("img")
    (style,) = document.all("style")
    assert not re.search(r"url\(|@import|@font-face", style["text"])
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|import\(|sendBeacon", text.replace("fetched", ""))


def test_policy_allows_this_script_and_style_only(document: Document) -> None:
    (policy,) = document.all("meta", http_equiv="Content-Security-Policy")
    content = policy["attributes"]["content"]
    assert "default-src 'none'" in content
    assert "unsafe" not in content
    runs = [e for e in document.all("script") if e["attributes"].get("type") != "application/json"]
    assert len(runs) == 1
    for kind, (element,) in (("script-src", runs), ("style-src", document.all("style"))):
        digest = base64.b64encode(hashlib.sha256(element["text"].encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in content
    assert not [k for e in document.elements for k in e["attributes"] if k.startswith("on") or k == "style"]


def test_names_that_try_to_break_out_are_text(document: Document, text: str) -> None:
    assert len(document.all("script")) == 2
    assert "<script>alert" not in text
    assert "<b>bold" not in text
    assert NASTY in [e["text"] for e in document.all("button", class_="open")]
    (data,) = document.all("script", type="application/json")
    assert not set("<>&'") & set(data["text"])


def test_every_row_is_there_worst_first(document: Document, study: Study) -> None:
    verdicts = [e["attributes"]["data-verdict"] for e in table_rows(document)]
    assert len(verdicts) == len(study.table)
    assert verdicts == sorted(verdicts, key=["failed", "flagged", "valid"].index)
    assert {e["attributes"]["data-row"] for e in table_rows(document)} == {str(i) for i in range(len(study.table))}
    valid = [
        int(e["attributes"]["data-row"]) for e in table_rows(document) if e["attributes"]["data-verdict"] == "valid"
    ]
    relative = (study.table["sd_mM"] / study.table["free_mg_mM"]).astype(float)[valid]
    assert list(relative) == sorted(relative, reverse=True)


def test_numbers_of_a_row_are_those_of_the_table(document: Document, study: Study) -> None:
    row = study.table.iloc[0]
    (element,) = document.all("tr", id="row-0")
    cells = [e for e in document.all("td") if any(parent is element for parent in e["inside"])]
    assert [c["text"].strip() for c in cells[:6]] == [
        f"{row['free_mg_mM']:.3f}",
        f"{row['interval_low_mM']:.3f} – {row['interval_high_mM']:.3f}",
        f"{row['shift_alpha_beta_ppm']:.4f} ± {row['sd_shift_alpha_beta_ppm']:.4f}",
        f"{row['ph']:.2f}",
        f"{row['snr']:.0f}",
        f"{row['pcr_linewidth_hz']:.1f}",
    ]
    assert float(cells[0]["attributes"]["data-v"]) == row["free_mg_mM"]
    assert [h["attributes"].get("title") for h in document.all("th", data_kind="number")][:1] == [
        "what free_mg_mM means"
    ]


def test_head_counts_and_median(document: Document, study: Study) -> None:
    valid = study.table["mg_is_valid"]
    ok = study.table["status"] == "OK"
    expected = [len(valid), valid.sum(), (ok & ~valid).sum(), (~ok).sum()]
    counts = [e for e in document.all("strong") if any(p["attributes"].get("class") == "counts" for p in e["inside"])]
    assert [int(e["text"]) for e in counts] == expected
    assert min(expected) > 0
    (lead,) = document.all("p", class_="lead")
    assert f"{study.table.loc[valid, 'free_mg_mM'].median():.3f} mM" in lead["text"]
    assert document.all("h1")[0]["text"] == "thigh study"


def test_reasons_name_each_left_out_spectrum(document: Document, study: Study) -> None:
    (table,) = document.all("table", class_="reasons")
    ok = study.table["status"] == "OK"
    for _, row in study.table[~ok].iterrows():
        assert row["file"] in table["text"]
    for _, row in study.table[ok & ~study.table["mg_is_valid"]].iterrows():
        assert row["file"] in table["text"]
    for _, row in study.table[study.table["mg_is_valid"]].iterrows():
        assert row["file"] not in table["text"]
    words = {
        "snr_ok": ("low SNR of ATP", False),
        "interval_open": ("interval open", True),
        "at_bound": ("at a bound", True),
    }
    raised = {text: int((study.table[flag][ok].astype(bool) == bad).sum()) for flag, (text, bad) in words.items()}
    assert sum(raised.values()) > 0
    for text, n in raised.items():
        found = re.search(rf"{text}\s*(\d+)", table["text"])
        assert (int(found[1]) if found else 0) == n


def test_reasons_do_not_tell_the_folders_above_the_study(document: Document, text: str) -> None:
    assert "/home/somebody" not in document.all("table", id="table")[0]["text"]
    assert "/home/somebody" not in document.all("section", id="excluded")[0]["text"]
    assert "file broken.txt holds no points." in text


def test_curves_are_those_of_the_fit(document: Document, study: Study) -> None:
    found = payload(document)
    for index, row in study.table[study.table["status"] != "NOT_READ"].iterrows():
        entry, curves = found["rows"][str(index)], study.curves[row["file"]]
        axis = found["axes"][entry["axis"]]
        steps = np.frombuffer(zlib.decompress(base64.b64decode(entry["curves"])), "<i2").reshape(-1, axis["n"])
        lines = np.cumsum(steps, axis=-1, dtype=np.int16)
        np.testing.assert_array_equal(lines[0], curves.data[0])
        np.testing.assert_array_equal(lines[1:], curves.resonances[0])
        np.testing.assert_allclose(np.linspace(axis["first"], axis["last"], axis["n"]), curves.ppm, atol=1e-9)
        assert entry["fitted"] == curves.is_fitted[0]
    assert len(found["axes"]) == 1
    assert axis["names"][:2] == ["PCr", "Pi"]
    assert "curves" not in found["rows"][str(len(study.table) - 1)]


def test_details_say_what_the_number_rests_on(document: Document, study: Study) -> None:
    details = dict(payload(document)["rows"]["0"]["details"])
    row = study.table.iloc[0]
    assert details["free Mg²⁺"] == f"{row['free_mg_mM']:.3f} mM"
    assert details["95% interval"] == f"{row['interval_low_mM']:.3f} to {row['interval_high_mM']:.3f} mM"
    assert details["verdict"] == "valid"
    unread = dict(payload(document)["rows"][str(len(study.table) - 1)]["details"])
    assert list(unread) == ["verdict"]
    assert unread["verdict"].startswith("failed; file cut.nii.gz is truncated")


def test_points_of_charts_stand_where_the_axes_say(study: Study) -> None:
    from p31mg.magnesium import get_calibration
    from p31mg.report import charts
    from p31mg.report.rows import rows_of

    rows = rows_of(study.table, None)
    drawn = charts.calibration_chart(rows, get_calibration("gupta-1978"))
    x, y = (
        np.polyfit([t.at for t in ticks], [float(t.text) for t in ticks], 1) for ticks in (drawn.x_ticks, drawn.y_ticks)
    )
    shown = [p for p in drawn.points if p.row.verdict == "valid"]
    np.testing.assert_allclose(
        np.polyval(x, [p.x for p in shown]), [p.row.number("shift_alpha_beta_ppm") for p in shown], atol=1e-3
    )
    np.testing.assert_allclose(
        np.polyval(y, [p.y for p in shown]), [p.row.number("free_mg_mM") for p in shown], atol=2e-3
    )
    low = [p.row.number("interval_low_mM") for p in shown]
    np.testing.assert_allclose(np.polyval(y, [p.low for p in shown]), low, atol=2e-3)
    curve = np.array([[float(v) for v in pair.split(",")] for pair in drawn.path.split()])
    expected = get_calibration("gupta-1978").free_mg_mM(np.polyval(x, curve[:, 0]))
    np.testing.assert_allclose(np.polyval(y, curve[:, 1]), expected, atol=0.01)

    against = charts.against_snr(rows)
    log_x = np.polyfit([t.at for t in against.x_ticks], np.log10([float(t.text) for t in against.x_ticks]), 1)
    snr = [p.row.number("snr") for p in against.points]
    np.testing.assert_allclose(10 ** np.polyval(log_x, [p.x for p in against.points]), snr, rtol=5e-3)

    bars = charts.distribution(rows).bars
    assert sum(int(bar.text.rsplit(": ", 1)[1]) for bar in bars) == study.table["mg_is_valid"].sum()


def test_groups_are_compared(study: Study, tmp_path: Path) -> None:
    group = np.where(np.arange(len(study.table)) % 2 == 0, "<i>old", "young & fit")
    grouped = study.table.assign(group=group)
    document = Document(
        write_report(tmp_path, grouped, study.columns, study.provenance, study.curves).read_text(encoding="utf-8")
    )
    (select,) = document.all("select", id="group")
    assert select["text"] == "all<i>oldyoung & fit"
    captions = [e["text"] for e in document.all("figcaption")]
    assert any(c.strip().startswith("By group") for c in captions)
    medians = grouped[grouped["mg_is_valid"]].groupby("group")["free_mg_mM"].median()
    titles = " ".join(e["text"] for e in document.all("title"))
    assert all(f"{name}: median {value:.3f}" in titles for name, value in medians.items())


def test_labels_of_groups_do_not_run_into_each_other(study: Study) -> None:
    from p31mg.report import charts
    from p31mg.report.rows import rows_of

    for n in (2, 5, 11):
        names = [f"group with a long name {i % n}" for i in range(len(study.table))]
        rows = [row for row in rows_of(study.table.assign(group=names), "group") if row.verdict == "valid"]
        drawn = charts.by_group(rows, "group")
        wide = np.diff([tick.at for tick in drawn.x_ticks]).min()
        assert max(len(tick.text) for tick in drawn.x_ticks) * 6.2 <= wide + 3
        assert len(drawn.bars) == len({row.group for row in rows})
        assert len(drawn.points) == len(rows)


def test_a_number_for_each_is_no_group(study: Study) -> None:
    from p31mg.report import charts
    from p31mg.report.rows import rows_of

    rows = rows_of(study.table.assign(age=np.arange(len(study.table))), "age")
    more = [row for row in rows if row.verdict == "valid"] * 2
    drawn = charts.by_group([*more, *(_aged(row, i) for i, row in enumerate(more))], "age")
    assert drawn.title == "Each spectrum"


def _aged(row: Any, age: int) -> Any:
    import dataclasses

    return dataclasses.replace(row, group=f"{age + 50}")


def test_other_columns_reach_the_page_only_as_the_group(study: Study, tmp_path: Path) -> None:
    table = study.table.assign(PatientName="DOE^JANE", visit="second")
    for given in (None, "visit"):
        text = write_report(tmp_path, table, study.columns, study.provenance, study.curves, group=given).read_text(
            encoding="utf-8"
        )
        assert "DOE^JANE" not in text
        assert ("second" in Document(text).all("table", id="table")[0]["text"]) == (given == "visit")


def test_same_study_same_bytes(study: Study, text: str, tmp_path: Path) -> None:
    assert written(study, tmp_path) == text


def test_positions_in_a_grid_are_told(study: Study, tmp_path: Path) -> None:
    table = study.table.iloc[:4].copy()
    table["file"] = "csi.nii.gz"
    table.insert(1, "x", pd.array([0, 0, 1, 1], dtype="Int64"))
    table.insert(2, "y", pd.array([0, 1, 0, 1], dtype="Int64"))
    from p31mg.report import curves_of

    curves = {"csi.nii.gz": curves_of(study.fit)[:4]}
    text = write_report(tmp_path, table, study.columns, study.provenance, curves).read_text(encoding="utf-8")
    names = {e["text"] for e in Document(text).all("button", class_="open")}
    assert names == {f"csi.nii.gz · x {x} · y {y}" for x in (0, 1) for y in (0, 1)}


def test_study_without_any_result(study: Study, tmp_path: Path) -> None:
    text = write_report(
        tmp_path, study.table[study.table["status"] == "NOT_READ"], study.columns, study.provenance, {}, title="none"
    ).read_text(encoding="utf-8")
    document = Document(text)
    assert "No spectrum of this study gives a valid Mg²⁺" in text
    assert not document.all("svg")
    assert len(table_rows(document)) == 2


@pytest.mark.parametrize("n", [1, 2])
def test_study_of_few(study: Study, tmp_path: Path, n: int) -> None:
    few = study.table.iloc[:n]
    curves = {file: study.curves[file] for file in few["file"]}
    document = Document(
        write_report(tmp_path, few, study.columns, study.provenance, curves).read_text(encoding="utf-8")
    )
    assert len(document.all("svg")) == 4
    assert "Nothing: every spectrum is valid." in " ".join(e["text"] for e in document.all("p"))


def test_provenance_may_be_bare(study: Study, tmp_path: Path) -> None:
    text = write_report(tmp_path, study.table, {}, {}, study.curves).read_text(encoding="utf-8")
    assert Document(text).all("h1")[0]["text"] == "31P-MRS study"
    assert 'id="calibration"' not in text


def test_page_stays_small(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_MOST_ROWS", 9)
    monkeypatch.setattr(page, "_MOST_CURVE_BYTES", 12_000)
    document = Document(written(study, tmp_path))
    rows = payload(document)["rows"]
    assert len(rows) == 9
    assert 2 <= sum("curves" in row for row in rows.values()) < 7
    said = " ".join(e["text"] for e in document.all("p"))
    assert f"The 9 that need a look first are listed; all {len(study.table)} stand in results.csv" in said
    assert re.search(r"\d spectra are listed without their picture", said)
    points = [e for e in document.all("g") if "point" in e["attributes"].get("class", "").split()]
    assert len({e["attributes"]["data-row"] for e in points}) > 9


def test_table_of_something_else_is_refused(study: Study, tmp_path: Path) -> None:
    with pytest.raises(
        p31mg.InputError, match=r"table lacks free_mg_mM, snr; give the table that p31mg\.batch returns\."
    ):
        write_report(tmp_path, study.table.drop(columns=["free_mg_mM", "snr"]), {}, {}, {})


def test_unknown_group_is_refused(study: Study, tmp_path: Path) -> None:
    with pytest.raises(p31mg.InputError, match="group is 'sex', which is no column of the table"):
        written(study, tmp_path, group="sex")


def test_curves_that_do_not_fit_the_table_are_refused(study: Study, tmp_path: Path) -> None:
    two = {"noise.nii.gz": study.curves["noise.nii.gz"][[0, 0]]}
    with pytest.raises(p31mg.InputError, match=r"curves has 2 of file noise\.nii\.gz, which has 1 rows in the table"):
        write_report(tmp_path, study.table, {}, {}, two)
    with pytest.raises(p31mg.InputError, match=r"curves has 1 of file other, which has 0 rows"):
        write_report(tmp_path, study.table, {}, {}, {"other": study.curves["noise.nii.gz"]})


def test_missing_folder_is_named(study: Study, tmp_path: Path) -> None:
    with pytest.raises(p31mg.WriteError, match=r"report\.html cannot be written: No such file or directory\."):
        written(study, tmp_path / "nowhere")


def test_record_of_a_calibration_gives_it_back() -> None:
    from p31mg.magnesium import calibration_from_record, calibration_record

    for calibration in p31mg.calibrations().values():
        record = json.loads(json.dumps(calibration_record(calibration)))
        assert calibration_from_record(record) == calibration
    with pytest.raises(p31mg.InputError, match=r"calibration record does not hold together \('quantity'\)"):
        calibration_from_record({"constants": {}})


def test_axis_of_a_narrow_range_of_snr_has_ticks(study: Study) -> None:
    rows = rows_of(study.table[study.table["mg_is_valid"]], None)
    for low, high in ((210.0, 320.0), (300.0, 300.0), (45.0, 60.0), (2100.0, 4300.0)):
        snr = np.linspace(low, high, len(rows))
        narrow = [replace(row, values={**row.values, "snr": v}) for row, v in zip(rows, snr, strict=True)]
        chart = charts.against_snr(narrow)
        assert len(chart.x_ticks) >= 3
        assert all(chart.left <= tick.at <= chart.right for tick in chart.x_ticks)
        for tick in chart.x_ticks:  # a tick stands where its number is on the logarithmic axis
            share = np.log(float(tick.text) / (0.85 * low)) / np.log(1.15 * high / (0.85 * low))
            assert tick.at == pytest.approx(chart.left + share * (chart.right - chart.left), abs=0.2)


def test_maps_and_time_courses_are_shown_and_linked(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    names = ["figures/a b_maps.png", "figures/sub/dyn_series.png"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((1500, 900), 60).save(tmp_path / name)

    def shown(budget: int) -> tuple[list[str], list[bytes]]:
        monkeypatch.setattr(page, "_MOST_PICTURE_BYTES", budget)
        path = write_report(tmp_path, study.table, study.columns, study.provenance, study.curves, figures=names)
        document = Document(path.read_text("utf-8"))
        links = [a["attributes"]["href"] for a in document.all("a") if a["attributes"]["href"].startswith("figures/")]
        return links, [base64.b64decode(i["attributes"]["src"].partition(",")[2]) for i in document.all("img")]

    links, pngs = shown(10_000_000)
    assert links == ["figures/a%20b_maps.png", "figures/sub/dyn_series.png"]
    assert [Image.open(io.BytesIO(png)).size for png in pngs] == [(760, 456)] * 2
    links, pngs = shown(1000)
    assert (len(links), len(pngs)) == (2, 0)


def test_page_without_grids_has_no_such_section(study: Study, tmp_path: Path) -> None:
    text = write_report(tmp_path, study.table, study.columns, study.provenance, study.curves).read_text("utf-8")
    assert "Maps and time courses" not in text


def test_unread_files_are_one_reason_where_only_name_and_numbers_differ(study: Study) -> None:
    unread = pd.DataFrame(
        {
            "file": ["a/x1.txt", "a/x2.txt", "y.txt", "n.txt"],
            "status": ["NOT_READ"] * 3 + ["NO_SIGNAL"],
            "reason": ["file a/x1.txt has 17 points", "file x2.txt has 3.5 points", "y.txt is damaged", "no peak"],
            "mg_is_valid": False,
            **dict.fromkeys(("free_mg_mM", "interval_low_mM", "interval_high_mM", "snr"), np.nan),
        }
    )
    reasons = page._reasons(rows_of(unread, None))
    assert [(r.title, len(r.rows)) for r in reasons] == [("NOT_READ", 2), ("NOT_READ", 1), ("NO_SIGNAL", 1)]
    assert reasons[0].advice == "file … has 17 points"


def test_long_reason_is_whole_in_the_title(study: Study, tmp_path: Path) -> None:
    reason = "a reason that goes on and on " * 20
    table = study.table.copy()
    table.loc[table.index[-1], "reason"] = reason
    text = write_report(tmp_path, table, study.columns, study.provenance, study.curves).read_text("utf-8")
    assert [s for s in Document(text).all("span") if s["attributes"].get("title") == reason]
