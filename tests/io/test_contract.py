"""What every reader keeps: one class, inherited by each format, on files that `makers.py` makes."""

from __future__ import annotations

import importlib.util
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import p31mg
from p31mg.io.formats import FALLBACK, FORMATS
from p31mg.io.header import Given
from p31mg.io.reading import examine

LARGER = {"spectrometer_frequency_mhz": 1.1, "spectral_width_hz": 1.1, "begin_time_s": 2.0}


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = [f for f in sorted(folder.rglob("*")) if f.is_file()]
    return {str(f): (f.stat().st_mtime_ns, f.read_bytes()) for f in files}


def scaled(fid: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Return integers of a digitiser on the scale of the signal they came from."""
    return fid * (np.abs(like).max() / np.abs(fid).max())


class ReaderContract:
    """Inherit, name the case, and the format is held to all of this."""

    name: str

    @pytest.fixture
    def case(self, makers: ModuleType) -> Any:
        case = makers.CASES[self.name]
        if case.needs and importlib.util.find_spec(case.needs) is None:
            pytest.skip(f"{case.needs} is not installed; pip install 'p31mg[vendor]'")
        return case

    @pytest.fixture
    def path(self, case: Any, makers: ModuleType, tmp_path: Path) -> Path:
        return case.make(tmp_path, makers.signal())

    def test_every_point_is_read_with_the_sign_of_p31mg(self, case: Any, path: Path, makers: ModuleType) -> None:
        spectra = p31mg.read(path, **case.given)
        expected = makers.signal()
        np.testing.assert_allclose(scaled(spectra.fid, expected), expected, rtol=0, atol=2 * case.tolerance)
        peak = spectra.ppm[np.abs(spectra.spectrum).argmax()]
        np.testing.assert_allclose(peak, 20 * makers.WIDTH_HZ / makers.N_POINTS / makers.FREQUENCY_MHZ, rtol=1e-6)

    def test_acquisition_is_settled(self, case: Any, path: Path, makers: ModuleType) -> None:
        acquisition = p31mg.read(path, **case.given).acquisition
        np.testing.assert_allclose(acquisition.spectrometer_frequency_mhz, makers.FREQUENCY_MHZ, rtol=1e-7)
        np.testing.assert_allclose(acquisition.dwell_time_s, makers.DWELL_TIME_S, rtol=1e-7)
        np.testing.assert_allclose(acquisition.begin_time_s, makers.BEGIN_TIME_S, rtol=1e-12)
        assert acquisition.resonant_nucleus == "31P"

    def test_begin_time_says_where_it_came_from(self, case: Any, path: Path) -> None:
        source = p31mg.read(path, **case.given).acquisition.begin_time_source
        assert source == (case.begin_time_source or "given")

    def test_what_is_missing_is_asked_for_by_its_option(self, case: Any, path: Path) -> None:
        flags = {"spectrometer_frequency_mhz": "--spectrometer-frequency", "spectral_width_hz": "--spectral-width"}
        for option in case.asked_for:
            others = {name: value for name, value in case.given.items() if name != option}
            flag = flags.get(option, "--begin-time")
            with pytest.raises(p31mg.MissingMetadataError, match=rf"{flag} \w+ \({option} in Python\)"):
                p31mg.read(path, **others)

    def test_a_contradiction_is_an_error_unless_insisted_upon(self, case: Any, path: Path) -> None:
        stated = set(LARGER) - set(case.asked_for)
        for option in sorted(stated):
            acquisition = p31mg.read(path, **case.given).acquisition
            wrong = {option: LARGER[option] * getattr(acquisition, option)}
            if option == "begin_time_s" and case.implied:
                assert p31mg.read(path, **case.given, **wrong).acquisition.begin_time_s == wrong[option]
                continue
            with pytest.raises(p31mg.ReadError, match=r"is given; leave out .* or insist with --override"):
                p31mg.read(path, **case.given, **wrong)
            insisted = p31mg.read(path, **case.given, **wrong, override=True)
            np.testing.assert_allclose(getattr(insisted.acquisition, option), wrong[option], rtol=1e-12)

    def test_another_nucleus_is_refused_by_its_name(self, case: Any, makers: ModuleType, tmp_path: Path) -> None:
        path = case.make(tmp_path, makers.signal(), nucleus="1H")
        if not case.states_nucleus:
            assert "does not state the nucleus" in " ".join(examine(path, Given(**case.given)).doubts)
            return
        with pytest.raises(p31mg.ReadError, match=r"holds 1H spectra; p31mg fits 31P only"):
            p31mg.read(path)

    def test_stack_keeps_its_axes_apart(self, case: Any, makers: ModuleType, tmp_path: Path) -> None:
        if not case.stack_axes:
            pytest.skip("holds one FID")
        shape = (2, 3, 4)[: len(case.stack_axes)]
        expected = makers.signal(*shape)
        spectra = p31mg.read(case.make(tmp_path, expected), **case.given)
        assert (spectra.batch_shape, spectra.axis_names) == (shape, case.stack_axes)
        np.testing.assert_allclose(scaled(spectra.fid, expected), expected, rtol=0, atol=2 * case.tolerance)

    def test_metadata_is_what_the_file_said(self, case: Any, path: Path) -> None:
        metadata = p31mg.read(path, **case.given).metadata
        assert not case.metadata_key or case.metadata_key in metadata

    def test_content_decides_and_not_the_name(self, case: Any, path: Path, makers: ModuleType) -> None:
        if case.is_folder or self.name == "philips_sdat":
            path = path.rename(path.with_name("renamé")) if case.is_folder else path
        else:
            path = path.rename(path.with_name("renamé.dat"))
        spectra = p31mg.read(path, **case.given)
        assert spectra.n_points == makers.N_POINTS

    def test_a_file_of_the_folder_stands_for_it(self, case: Any, path: Path, makers: ModuleType) -> None:
        if case.is_folder:
            name = next(n for n in ("fid", "data.1d") if (path / n).exists())
            assert p31mg.read(path / name, **case.given).n_points == makers.N_POINTS

    def test_truncation_is_refused_and_the_file_named(self, case: Any, path: Path, tmp_path: Path) -> None:
        files = sorted(f for f in tmp_path.rglob("*") if f.is_file())
        for file in files:
            whole = file.read_bytes()
            for cut in (1, len(whole) // 3, len(whole) // 2, len(whole) - 300):
                file.write_bytes(whole[: max(cut, 1)])
                self.read_or_refused(path, case.given, tmp_path)
            file.write_bytes(whole)

    def read_or_refused(self, path: Path, given: dict[str, float], folder: Path) -> None:
        """A text may be cut between two lines without anyone being able to tell; all else is an error that names a file."""
        try:
            p31mg.read(path, **given)
        except p31mg.P31mgError as error:
            assert str(folder) in str(error)

    def test_reading_leaves_no_trace(
        self, case: Any, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = tree(tmp_path)
        p31mg.read(path, **case.given)
        assert tree(tmp_path) == before
        assert capsys.readouterr() == ("", "")

    def test_reading_twice_gives_the_same(self, case: Any, path: Path) -> None:
        once, twice = (p31mg.read(path, **case.given) for _ in range(2))
        np.testing.assert_array_equal(once.fid, twice.fid)
        assert once.fid.dtype == np.complex128


class TestNiftiMrs(ReaderContract):
    name = "nifti_mrs"

    def test_sidecar_fills_what_the_header_lacks(self, makers: ModuleType, tmp_path: Path) -> None:
        file = makers.nifti_mrs(tmp_path, makers.signal(), name="sub-01_nuc-31P_svs.nii.gz", EchoTime=None)
        (tmp_path / "sub-01_nuc-31P_svs.json").write_text('{"EchoTime": 0.002}', encoding="utf-8")
        with pytest.raises(p31mg.MissingMetadataError, match="begin time"):
            p31mg.read(file)  # the header says null, and the header goes first
        (tmp_path / "sub-01_nuc-31P_svs.json").write_text('{"AcquisitionStartTime": 0.002}', encoding="utf-8")
        assert p31mg.read(file).acquisition.begin_time_s == 0.002

    def test_sidecar_that_disagrees_is_a_doubt(self, makers: ModuleType, tmp_path: Path) -> None:
        file = makers.nifti_mrs(tmp_path, makers.signal(), name="a.nii.gz")
        (tmp_path / "a.json").write_text('{"EchoTime": 0.002}', encoding="utf-8")
        examined = examine(file, Given())
        assert examined.spectra.acquisition.begin_time_s == makers.BEGIN_TIME_S
        assert any("EchoTime is 0.00045 in the file and 0.002 in the sidecar" in d for d in examined.doubts)

    @pytest.mark.parametrize(("name", "doubtful"), [("sub-01_nuc-31P_svs.nii.gz", 0), ("sub-01_nuc-1H_svs.nii.gz", 1)])
    def test_bids_name_is_held_against_the_header(
        self, name: str, doubtful: int, makers: ModuleType, tmp_path: Path
    ) -> None:
        examined = examine(makers.nifti_mrs(tmp_path, makers.signal(), name=name), Given())
        assert sum("the name says nucleus" in d for d in examined.doubts) == doubtful

    def test_bids_name_states_a_nucleus_that_the_header_lacks(self, makers: ModuleType, tmp_path: Path) -> None:
        import json

        import nibabel
        from nibabel.nifti1 import Nifti1Extension

        image = nibabel.Nifti2Image(np.conj(makers.signal()).reshape(1, 1, 1, -1), np.eye(4))
        image.header["pixdim"][4] = makers.DWELL_TIME_S
        fields = {"SpectrometerFrequency": [makers.FREQUENCY_MHZ], "EchoTime": makers.BEGIN_TIME_S}
        image.header.extensions.append(Nifti1Extension(44, json.dumps(fields).encode()))
        image.to_filename(tmp_path / "sub-01_nuc-1H_svs.nii")
        with pytest.raises(p31mg.ReadError, match="holds 1H spectra"):
            p31mg.read(tmp_path / "sub-01_nuc-1H_svs.nii")


class TestNiftiUncompressed(ReaderContract):
    name = "nifti_uncompressed"


class TestMatlabCompressed(ReaderContract):
    name = "matlab_compressed"


class TestJmruiText(ReaderContract):
    name = "jmrui_text"

    def test_begin_time_of_zero_is_implied_only(self, makers: ModuleType, tmp_path: Path) -> None:
        file = makers.jmrui_text(tmp_path, makers.signal())
        file.write_text(file.read_text().replace("BeginTime: 0.45", "BeginTime: 0E0"), encoding="utf-8")
        assert p31mg.read(file).acquisition.begin_time_s == 0.0
        assert p31mg.read(file, begin_time_s=3e-4).acquisition.begin_time_s == 3e-4

    def test_nucleus_by_name(self, makers: ModuleType, tmp_path: Path) -> None:
        file = makers.jmrui_text(tmp_path, makers.signal())
        file.write_text(file.read_text().replace("TypeOfNucleus: 0E0", "TypeOfNucleus: 13C"), encoding="utf-8")
        with pytest.raises(p31mg.ReadError, match="holds 13C spectra"):
            p31mg.read(file)


class TestJmruiBinary(ReaderContract):
    name = "jmrui_binary"

    def test_text_as_long_as_a_signal_is_no_signal(self, makers: ModuleType, tmp_path: Path) -> None:
        file = makers.jmrui_binary(tmp_path, makers.signal())
        file.write_bytes(file.read_bytes() + b"Patient: nobody\n" * 200)
        assert p31mg.read(file).batch_shape == ()


class TestSiemensRda(ReaderContract):
    name = "siemens_rda"

    def test_long_echo_time_says_nothing_about_the_first_point(self, makers: ModuleType, tmp_path: Path) -> None:
        file = makers.siemens_rda(tmp_path, makers.signal())
        file.write_bytes(file.read_bytes().replace(b"TE: 0.450000", b"TE: 30.00000"))
        with pytest.raises(p31mg.MissingMetadataError, match="--begin-time"):
            p31mg.read(file)


class TestLcmodelRaw(ReaderContract):
    name = "lcmodel_raw"


class TestPhilipsSdat(ReaderContract):
    name = "philips_sdat"

    def test_either_file_may_be_given(self, path: Path) -> None:
        np.testing.assert_array_equal(p31mg.read(path).fid, p31mg.read(path.with_name("made.spar")).fid)

    def test_missing_twin_is_named(self, path: Path) -> None:
        path.with_name("made.spar").unlink()
        with pytest.raises(p31mg.ReadError, match=r"made.SDAT needs the .SPAR file of the same name beside it"):
            p31mg.read(path)

    def test_vax_floats_against_their_definition(self) -> None:
        from p31mg.io.formats.philips_sdat import vax_floats

        def by_definition(content: bytes) -> float:
            high, low = struct.unpack("<2H", content)
            exponent, fraction = (high >> 7) & 0xFF, ((high & 0x7F) << 16) | low
            return 0.0 if exponent == 0 else (-1) ** (high >> 15) * (0.5 + fraction / 2**24) * 2.0 ** (exponent - 128)

        content = np.random.default_rng(1).bytes(4 * 500)
        words = [content[i : i + 4] for i in range(0, len(content), 4)]
        np.testing.assert_array_equal(vax_floats(content), [by_definition(word) for word in words])


class TestText(ReaderContract):
    name = "text"

    def test_column_of_time_gives_the_dwell_time(self, makers: ModuleType, tmp_path: Path) -> None:
        fid = makers.signal()
        for title, unit in (("time_s", 1.0), ("time (ms)", 1e3), ("t_ms", 1e3)):
            times = unit * makers.DWELL_TIME_S * np.arange(fid.size)
            table = np.column_stack([times, fid.real, fid.imag])
            np.savetxt(tmp_path / "a.csv", table, delimiter=",", header=f"{title},re,im", comments="")
            spectra = p31mg.read(tmp_path / "a.csv", spectrometer_frequency_mhz=49.9, begin_time_s=0.0)
            np.testing.assert_allclose(spectra.acquisition.dwell_time_s, makers.DWELL_TIME_S, rtol=1e-9)
            np.testing.assert_allclose(spectra.fid, fid, rtol=1e-12)

    def test_statements_before_the_numbers_are_heard(self, path: Path) -> None:
        head = "# spectrometer_frequency_mhz: 49.9\n# spectral_width_hz = 5000\n# begin_time_s: 0.00045\n"
        path.write_text(head + path.read_text(), encoding="utf-8")
        assert p31mg.read(path).acquisition.begin_time_s == 0.00045

    def test_decimal_comma_between_semicolons(self, makers: ModuleType, case: Any, tmp_path: Path) -> None:
        fid = makers.signal()
        rows = "".join(f"{z.real!r};{z.imag!r}\n".replace(".", ",") for z in fid.tolist())
        (tmp_path / "a.csv").write_text(rows, encoding="utf-8")
        np.testing.assert_array_equal(p31mg.read(tmp_path / "a.csv", **case.given).fid, fid)


class TestNpy(ReaderContract):
    name = "npy"

    def test_pickles_are_never_loaded(self, case: Any, tmp_path: Path) -> None:
        class Trap:
            def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
                return (Path.mkdir, (tmp_path / "sprung",))  # type: ignore[return-value]

        np.save(tmp_path / "a.npy", np.array([Trap()], dtype=object), allow_pickle=True)
        with pytest.raises(p31mg.UnsupportedFormatError, match="Python objects, which p31mg never unpickles"):
            p31mg.read(tmp_path / "a.npy", **case.given)
        assert not (tmp_path / "sprung").exists()


class TestNpz(ReaderContract):
    name = "npz"

    def test_two_arrays_that_could_be_the_fid_are_named(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", left=np.ones(128) * 1j, right=np.ones(128) * 1j)
        with pytest.raises(p31mg.UnsupportedFormatError, match="its complex arrays are: left, right"):
            p31mg.read(tmp_path / "a.npz")


class TestMatlab(ReaderContract):
    name = "matlab"

    @pytest.mark.parametrize("shape", [(), (80,), (80, 2)])
    def test_time_along_the_first_axis_is_refused_and_never_turned(
        self, shape: tuple[int, ...], makers: ModuleType, tmp_path: Path
    ) -> None:
        import scipy.io

        fid = np.moveaxis(makers.signal(*shape), -1, 0)
        scipy.io.savemat(tmp_path / "a.mat", {"fid": fid, "txfrq": 49.9e6, "dwelltime": 2e-4, "begin_time": 0.0})
        if not shape:  # one column is one FID
            assert p31mg.read(tmp_path / "a.mat").batch_shape == ()
            return
        with pytest.raises(p31mg.ReadError, match=r"decays along its first axis; time must be the last"):
            p31mg.read(tmp_path / "a.mat")

    def test_version_7_3_is_refused_with_the_line_that_helps(self, tmp_path: Path) -> None:
        (tmp_path / "a.mat").write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n")
        with pytest.raises(p31mg.UnsupportedFormatError, match=r"save it with: save\('file.mat', .* '-v7'\)"):
            p31mg.read(tmp_path / "a.mat")


class TestBruker(ReaderContract):
    name = "bruker"

    @pytest.mark.parametrize("nucleus", ["13C", "7Li", "Lithium"])
    def test_any_other_nucleus_is_refused(self, nucleus: str, makers: ModuleType, tmp_path: Path) -> None:
        with pytest.raises(p31mg.ReadError, match=f"holds {nucleus} spectra"):
            p31mg.read(makers.bruker(tmp_path, makers.signal(), nucleus))

    def test_nucleus_that_is_off_is_a_doubt(self, makers: ModuleType, tmp_path: Path) -> None:
        path = makers.bruker(tmp_path, makers.signal(), "off")
        assert any("does not state the nucleus" in d for d in examine(path, Given(begin_time_s=0.0)).doubts)

    @pytest.mark.parametrize(("mode", "word"), [(0, "one channel"), (2, "channels in turn")])
    def test_real_and_sequential_sampling_are_refused(
        self, mode: int, word: str, makers: ModuleType, case: Any, tmp_path: Path
    ) -> None:
        path = makers.bruker(tmp_path, makers.signal(), AQ_mod=mode)
        with pytest.raises(p31mg.ReadError, match=word):
            p31mg.read(path, **case.given)

    def test_missing_begin_time_says_what_the_file_has(self, path: Path) -> None:
        with pytest.raises(p31mg.MissingMetadataError, match=r"It is DE = 6.5 us .*\(P1 = 12.5 us in most"):
            p31mg.read(path)

    def test_folder_of_datasets_is_told_apart_from_one(self, path: Path) -> None:
        with pytest.raises(p31mg.ReadError, match=r"no dataset of its own; its folders 11 are datasets"):
            p31mg.read(path.parent)

    def test_an_open_value_at_the_end_is_no_endless_loop(self, path: Path, case: Any) -> None:
        for ending in ("##$PULPROG= <zg", "##$D= (0..63)\n0 1"):
            whole = (path / "acqus").read_text(encoding="utf-8").replace("##END=\n", ending)
            (path / "acqus").write_text(whole, encoding="utf-8")
            with pytest.raises(p31mg.ReadError, match=r"acqus is truncated or damaged .*: a value does not end"):
                p31mg.read(path, **case.given)


class TestParaVision(ReaderContract):
    name = "paravision"

    def test_grid_is_not_taken_for_one_fid(self, case: Any, path: Path) -> None:
        (path / "fid").write_bytes(4 * (path / "fid").read_bytes())
        with pytest.raises(
            p31mg.ReadError, match=r"1 repetitions of 1 receivers with 128 points needs 1,024 bytes and 4,096"
        ):
            p31mg.read(path, **case.given)

    def test_blocks_of_a_kilobyte_are_told_from_points(self, makers: ModuleType, case: Any, tmp_path: Path) -> None:
        fid = makers.signal(3, 1)[..., :100]
        path = makers.paravision(tmp_path, fid, GO_block_size="Standard_KBlock_Format")
        rows = np.frombuffer((path / "fid").read_bytes(), "<i4").reshape(3, -1)
        (path / "fid").write_bytes(np.pad(rows, ((0, 0), (0, 56))).tobytes())
        spectra = p31mg.read(path, **case.given)
        assert (spectra.batch_shape, spectra.axis_names) == ((3,), ("dyn",))
        np.testing.assert_allclose(scaled(spectra.fid, fid), fid[:, 0], atol=1e-7)


class TestVarian(ReaderContract):
    name = "varian"

    def test_missing_begin_time_says_what_the_file_has(self, path: Path) -> None:
        with pytest.raises(p31mg.MissingMetadataError, match=r"at least pw/2 \+ rof2 \+ alfa = 54 us"):
            p31mg.read(path)


class TestNmrPipe(ReaderContract):
    name = "nmrpipe"


class TestJcampDx(ReaderContract):
    name = "jcamp_dx"

    def test_reverse_means_the_other_sign(self, makers: ModuleType, case: Any, tmp_path: Path) -> None:
        path = makers.jcamp_dx(tmp_path, makers.signal().conj(), REVERSE="yes")
        np.testing.assert_allclose(p31mg.read(path, **case.given).fid, makers.signal(), rtol=1e-12)

    @pytest.mark.parametrize("key", ["##NTUPLES=", "##xy data=", "## XY-DATA="])
    def test_repeats_without_end_are_refused(self, key: str, makers: ModuleType, case: Any, tmp_path: Path) -> None:
        path = makers.jcamp_dx(tmp_path, makers.signal())
        path.write_text(path.read_text().replace("##NTUPLES=", key, 1), encoding="ascii")
        path.write_text(path.read_text().replace("\n5 ", "\n5@S999999999 ", 1), encoding="ascii")
        with pytest.raises(p31mg.ReadError, match=r"repeats points 1,000,000,\d{3} times"):
            p31mg.read(path, **case.given)


class TestSpinsolve(ReaderContract):
    name = "spinsolve"


class TestJeol(ReaderContract):
    name = "jeol"


class VendorContract(ReaderContract):
    """Also for what spec2nii converts."""

    @pytest.fixture(autouse=True)
    def _in_a_fork(self, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, forking: ModuleType) -> None:
        """Two new processes are enough: in the tests that say so."""
        if "own" not in request.node.name:
            monkeypatch.setattr("p31mg.io.vendor._converted", forking.converted_in_a_fork)

    def test_missing_spec2nii_is_one_pip_line(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
        with pytest.raises(p31mg.ReadError, match=re.escape("install it with: pip install 'p31mg[vendor]'.")):
            p31mg.read(path)


class TestDicom(VendorContract):
    name = "dicom"

    def test_converter_runs_in_a_process_of_its_own(self, path: Path, makers: ModuleType) -> None:
        np.testing.assert_allclose(p31mg.read(path).fid, makers.signal(), rtol=0, atol=1e-6)

    def test_own_process_refuses_in_one_sentence(self, path: Path) -> None:
        path.write_bytes(path.read_bytes()[:400])
        with pytest.raises(p31mg.ReadError, match=r"is not readable as DICOM: [^\n]+\.$"):
            p31mg.read(path)


class TestDicomIma(VendorContract):
    name = "dicom_ima"


class TestGePfile(VendorContract):
    name = "ge_pfile"

    def test_reference_scans_are_left_out_and_told(self, path: Path, case: Any) -> None:
        doubts = examine(path, Given(**case.given)).doubts
        assert any("holds 1 more data set(s), such as a reference scan, which are not read" in d for d in doubts)

    def test_sequence_that_spec2nii_does_not_know_is_named(self, path: Path) -> None:
        path.write_bytes(path.read_bytes().replace(b"probe-p", b"xyzcsi\0"))
        with pytest.raises(p31mg.ReadError, match="No Pfile mapper for pulse sequence = xyzcsi"):
            p31mg.read(path)


class TestSiemensTwix(VendorContract):
    name = "siemens_twix"


class TestSiemensTwixVd(VendorContract):
    name = "siemens_twix_vd"


def test_every_format_is_under_the_contract() -> None:
    modules = {f.__name__.rsplit(".", 1)[1] for f in (*FORMATS, FALLBACK)}
    classes = [*ReaderContract.__subclasses__(), *VendorContract.__subclasses__()]
    names = {c.name for c in classes if c is not VendorContract}
    assert {"npy", "npz"} <= names
    assert modules - names == {"numpy_arrays"}


def test_every_format_stands_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    for f in (*FORMATS, FALLBACK):
        assert any(re.match(rf"\| {re.escape(f.NAME.split()[0].split('/')[0])}", row) for row in rows), f.NAME


def test_contract_can_fail(makers: ModuleType, tmp_path: Path) -> None:
    """A reader that forgets to conjugate is caught by the first test of the contract."""
    case = makers.CASES["siemens_rda"]
    path = case.make(tmp_path, makers.signal().conj())
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        ReaderContract().test_every_point_is_read_with_the_sign_of_p31mg(case, path, makers)


def test_a_wrong_guess_lists_what_was_tried(tmp_path: Path) -> None:
    file = tmp_path / "a.mrui"
    file.write_text("dear all\n" * 30, encoding="utf-8")
    with pytest.raises(
        p31mg.UnsupportedFormatError, match=r"none of the formats .*\n  not text in columns: .*\n  not jMRUI"
    ):
        p31mg.read(file)


def test_dataset_without_its_data_is_no_dataset(makers: ModuleType, tmp_path: Path) -> None:
    path = makers.bruker(tmp_path, makers.signal())
    (path / "fid").unlink()
    with pytest.raises(p31mg.ReadError, match="no dataset of its own"):
        p31mg.read(path)
    shutil.rmtree(path)
