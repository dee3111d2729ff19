"""What was done stays known: along the steps, through slices, into ProcessingApplied and back."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest

import p31mg
from p31mg.preprocess import apodise, average_transients, combine_coils, phase, remove_peaks


def applied(file):
    return json.loads(nibabel.load(file).header.extensions[0].get_content())["ProcessingApplied"]


@pytest.fixture
def prepared(clean, noise, sd_at, stack):
    rng = np.random.default_rng(1)
    fid = clean().fid + sd_at(50) * noise(rng, 4, 8, 1024)
    fid[:, 3] *= 0.2
    return remove_peaks(average_transients(combine_coils(stack(fid, "coil", "dyn")), reject_beyond_sd=6), [(18, 22)])


def test_steps_in_their_order(prepared):
    assert [s.name for s in prepared.history] == ["combine_coils", "average_transients", "remove_peaks"]
    assert prepared.history[1].parameters["axis"] == "dyn"


def test_functions_leave_what_they_are_given(clean):
    spectra = clean([0.4, 0.6])
    spectra.fid.flags.writeable = False
    assert phase(spectra, 0.5).history[0].name == "phase"
    assert spectra.history == ()
    assert type(phase(spectra, 0.5)) is p31mg.Spectra  # the truth of a simulation is that of other signals


def test_slices_keep_it(clean):
    assert apodise(clean([0.4, 0.6]), 3.0)[0].history[0].parameters["linewidth_hz"] == 3.0


def test_nifti_records_every_step_once(prepared, tmp_path):
    once = p31mg.write(prepared, tmp_path / "once.nii.gz")
    steps = applied(once)
    assert [s["Method"] for s in steps] == [
        "RF coil combination",
        "Signal averaging",
        "Nuisance peak removal",
        "Format conversion",
    ]
    assert all(set(s) == {"Time", "Program", "Version", "Method", "Details"} for s in steps)
    assert "p31mg.preprocess.average_transients(axis='dyn', align=True" in steps[1]["Details"]
    assert "rejected 1 of 8 at [3]" in steps[1]["Details"]
    assert "windows_ppm=[[18.0, 22.0]]" in steps[2]["Details"]
    back = p31mg.read(once)
    assert [s.method for s in back.history] == [s["Method"] for s in steps[:3]]
    again = applied(p31mg.write(phase(back, 0.1), tmp_path / "twice.nii.gz"))
    assert [s["Method"] for s in again] == [*(s["Method"] for s in steps), "Phasing", "Format conversion"]
    assert again[:4] == steps


def test_apodisation_is_known_after_a_file(clean, tmp_path):
    back = p31mg.read(p31mg.write(apodise(clean(), 5.0), tmp_path / "a.nii.gz"))
    with pytest.warns(p31mg.P31mgWarning, match="the spectra were apodised"):
        p31mg.fit(back)


def test_batch_repeats_the_caution_of_a_file(clean, tmp_path):
    p31mg.write(clean(), tmp_path / "a.nii.gz")
    p31mg.write(apodise(clean(), 5.0), tmp_path / "b.nii.gz")
    with pytest.warns(p31mg.P31mgWarning, match="the spectra were apodised"):
        assert len(p31mg.batch(tmp_path)) == 2


@pytest.mark.parametrize(
    "steps", [[{"Method": 3}, "x", None, {"Method": "Phasing", "Details": ["y"]}], "Phasing", {}, None]
)
def test_any_record_can_be_read(steps, clean, tmp_path):
    file = p31mg.write(clean(), tmp_path / "a.nii.gz")
    image = nibabel.load(file)
    header = json.loads(image.header.extensions[0].get_content()) | {"ProcessingApplied": steps}
    image.header.extensions[0] = nibabel.nifti1.Nifti1Extension(44, json.dumps(header).encode())
    nibabel.Nifti2Image(np.asarray(image.dataobj), np.eye(4), image.header).to_filename(tmp_path / "b.nii.gz")
    history = p31mg.read(tmp_path / "b.nii.gz").history
    assert [s.method for s in history] == (["Phasing"] if isinstance(steps, list) else [])
