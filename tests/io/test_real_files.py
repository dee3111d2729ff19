"""Files that scanners and other programs wrote: axes, signs, times, and the refusal of other nuclei.

The sign is checked on chemistry that needs no reader: creatine, NAA and choline lie below water, the methyls of glycine and of
acetyl below the middle of a proton spectrum, alpha- and beta-ATP below everything else of 31P.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import p31mg
from p31mg.io.content import Content
from p31mg.io.formats import FALLBACK, FORMATS
from p31mg.io.header import Given
from p31mg.io.reading import examine
from p31mg.io.source import Source

PROTON = {
    "jcamp/aspirin-1h.fid.dx": ("JCAMP-DX", 300.132251, 4789.27203, 8192 - 62),
    "jmrui-mrui/20240519_residual.mrui": ("jMRUI binary", 400.2654061, 5000.0, 4096),
    "jmrui-txt/Cr_10mM_test_water_scaling_WS.txt": ("jMRUI text", 123.22, 4000.0, 2048),
    "nifti-mrs/nifti_mrs_tools_metab.nii.gz": ("NIfTI-MRS", 297.219948, 12004.8019, 4095),
    "nifti-mrs/nifti_mrs_tools_quant_raw.nii.gz": ("NIfTI-MRS", 297.219948, 12004.8019, 4096),
    "philips/sub-01_PRESS_35_act.sdat": ("Philips SDAT/SPAR", 127.750896, 2000.0, 2048),
    "philips/sub-01_PRESS_35_act.spar": ("Philips SDAT/SPAR", 127.750896, 2000.0, 2048),
    "rda/SVS_30.rda": ("Siemens RDA", 123.234655, 1e6 / 833, 1024),
    "spinsolve": ("Spinsolve", 80.4875791, 2500.0, 16384),
    "spinsolve/data.1d": ("Spinsolve", 80.4875791, 2500.0, 16384),
    "spinsolve/nmr_fid.dx": ("JCAMP-DX", 80.4875791, 2500.0, 16384),
    "topspin/1": ("Bruker TopSpin", 400.131881, 4807.69231, 16384 - 73),
    "topspin/1/fid": ("Bruker TopSpin", 400.131881, 4807.69231, 16384 - 73),
}

LOWER_THAN_THE_CARRIER = {
    "jcamp/aspirin-1h.fid.dx": (-5.21, 7.5 - 2.3),  # acetyl at 2.3 ppm, carrier at 7.5
    "jmrui-txt/Cr_10mM_test_water_scaling_WS.txt": (-1.63, 4.66 - 3.03),  # methyl of creatine, carrier on water
    "philips/sub-01_PRESS_35_act.sdat": (-2.65, 4.66 - 2.01),  # NAA
    "rda/SVS_30.rda": (-2.68, 4.66 - 2.01),
    "spinsolve": (-2.03, 4.74 - 2.71),  # DMSO, carrier at 4.74
    "spinsolve/nmr_fid.dx": (-2.03, 4.74 - 2.71),
}


@pytest.fixture
def formats(real_data: Path) -> Path:
    return real_data / "formats"


def content_of(path: Path) -> tuple[str, Content]:
    source = Source.of(path)
    reader = next(f for f in (*FORMATS, FALLBACK) if f.recognises(source))
    return reader.NAME, reader.parse(source)


def ppm_and_magnitude(content: Content, decay_hz: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the axis in ppm from the carrier and the magnitude of the mean spectrum, smoothed by a line of that width."""
    fid = content.fid.reshape(-1, content.fid.shape[-1]).mean(axis=0)
    dwell = 1.0 / content.stated.spectral_width_hz
    decay = np.exp(-np.pi * decay_hz * dwell * np.arange(fid.size))
    spectrum = np.abs(np.fft.fftshift(np.fft.fft(fid * decay)))
    return np.fft.fftshift(np.fft.fftfreq(fid.size, dwell)) / content.stated.spectrometer_frequency_mhz, spectrum


@pytest.mark.parametrize("name", PROTON)
def test_proton_file_is_read_and_then_refused(name: str, formats: Path) -> None:
    format_name, frequency_mhz, width_hz, n_points = PROTON[name]
    found, content = content_of(formats / name)
    assert found == format_name
    assert content.stated.spectrometer_frequency_mhz == pytest.approx(frequency_mhz, rel=1e-7)
    assert content.stated.spectral_width_hz == pytest.approx(width_hz, rel=1e-6)
    assert content.fid.shape[-1] == n_points
    with pytest.raises(p31mg.ReadError, match=r"holds 1H spectra; p31mg fits 31P only"):
        p31mg.read(formats / name)


@pytest.mark.parametrize("name", LOWER_THAN_THE_CARRIER)
def test_known_proton_lines_are_below_the_carrier(name: str, formats: Path) -> None:
    at_ppm, _ = LOWER_THAN_THE_CARRIER[name]
    ppm, magnitude = ppm_and_magnitude(content_of(formats / name)[1])

    def height(centre: float) -> float:
        return float(magnitude[np.abs(ppm - centre) < 0.06].max())

    assert height(at_ppm) > 2.0 * height(-at_ppm)


def test_two_programs_wrote_the_same_signal(formats: Path) -> None:
    """LCModel's file is the conjugate of its jMRUI twin; after reading both are one."""
    raw = content_of(formats / "lcmodel-raw" / "Cr_10mM_test_water_scaling.RAW")[1]
    text = content_of(formats / "jmrui-txt" / "Cr_10mM_test_water_scaling_WS.txt")[1]
    scale = np.abs(text.fid).max()
    np.testing.assert_allclose(raw.fid / scale, text.fid / scale, atol=2e-6)  # RAW is written with six digits


def test_two_files_of_one_spinsolve_measurement_agree(formats: Path) -> None:
    folder, jcamp = content_of(formats / "spinsolve")[1], content_of(formats / "spinsolve" / "nmr_fid.dx")[1]
    np.testing.assert_allclose(jcamp.fid, folder.fid, rtol=1e-6, atol=1e-3)


def test_coils_and_averages_of_a_nifti_file_are_named(formats: Path) -> None:
    content = content_of(formats / "nifti-mrs" / "nifti_mrs_tools_quant_raw.nii.gz")[1]
    assert (content.fid.shape, content.axis_names) == ((4, 2, 4096), ("coil", "dyn"))


def test_nameless_files_ask_for_what_they_lack(formats: Path) -> None:
    for name in ("lcmodel-raw/Cr_10mM_test_water_scaling.RAW", "text/a_voxel_2HMRSI.txt"):
        message = r"give --spectrometer-frequency MHZ --spectral-width HZ --begin-time S \(spectrometer_frequency_mhz"
        with pytest.raises(p31mg.MissingMetadataError, match=message):
            p31mg.read(formats / name)


def test_jeol_file_of_phosphorus(formats: Path) -> None:
    file = formats / "jeol" / "phosphorus.jdf"
    with pytest.raises(p31mg.MissingMetadataError, match=r"acq_delay = 20.51 us and half of x_pulse = 4.777 us"):
        p31mg.read(file)
    spectra = p31mg.read(file, begin_time_s=2.3e-5)
    assert spectra.acquisition.spectrometer_frequency_mhz == pytest.approx(202.357766, rel=1e-8)
    assert spectra.acquisition.spectral_width_hz == pytest.approx(100_806.4516, rel=1e-8)
    # before the filter's delay of 19.66 points there is noise and ringing, a fiftieth of the signal: none of it is left
    assert np.abs(spectra.fid[:3]).min() > 0.3 * np.abs(spectra.fid[:50]).max()
    assert spectra.n_points == 32768 - 20


@pytest.mark.parametrize("number", ["2", "5", "8", "11"])
def test_blood_of_an_old_console(number: str, real_data: Path) -> None:
    folder = real_data / "blood-14t" / number
    with pytest.raises(p31mg.MissingMetadataError, match=r"DE = 4.5 us .* \(P1 = 31 us"):
        p31mg.read(folder)
    spectra = p31mg.read(folder, begin_time_s=1e-5)
    acquisition = spectra.acquisition
    assert acquisition.spectrometer_frequency_mhz == pytest.approx(242.937185)
    assert acquisition.spectral_width_hz == pytest.approx(14619.883, abs=1e-3)
    assert spectra.n_points == 17542 // 2 - 61  # DSPFVS 10, DECIM 12: 60.375 points
    # alpha-ATP is 10.1 ppm below the reference line; a reversed axis has nothing there
    decay = np.exp(-np.pi * 8.0 * acquisition.dwell_time_s * np.arange(spectra.n_points))
    spectrum = np.fft.fftshift(np.fft.fft(spectra.fid * decay))

    def peak(offset_ppm: float, half_width: float = 0.25) -> complex:
        near = np.flatnonzero(np.abs(spectra.ppm - offset_ppm) < half_width)
        return complex(spectrum[near[np.abs(spectrum[near]).argmax()]])

    alpha, reference, high = (peak(ppm) for ppm in (-11.1, -0.94, 22.8))
    assert abs(alpha) > 2.5 * abs(peak(-0.94 + 10.16))
    # the whole and broken points of the filter's delay are gone: half a point left would turn the phase by 1.8 rad between these
    assert abs(np.angle(high / alpha)) < 0.8
    assert abs(np.angle(reference / alpha)) < 0.5


def test_cell_extract_of_a_varian_console(real_data: Path) -> None:
    folder = real_data / "extract-14t" / "data.fid"
    spectra = p31mg.read(folder, begin_time_s=6e-5)
    assert (spectra.batch_shape, spectra.axis_names, spectra.n_points) == ((70,), ("array_nt",), 4250)
    assert spectra.acquisition.spectrometer_frequency_mhz == pytest.approx(242.8752978)
    assert spectra.acquisition.spectral_width_hz == pytest.approx(8500.69068)
    assert spectra.metadata["procpar"]["temp"]["values"] == ["25"]
    # rfl and reffrq put the carrier at -7.5 ppm: alpha-ATP at -11.1, inorganic phosphate at +2.9, and not mirrored
    ppm, magnitude = spectra.ppm - 7.5, np.abs(spectra.spectrum.mean(axis=0))
    assert magnitude[np.abs(ppm + 11.1) < 0.15].max() > 5 * magnitude[np.abs(ppm + 3.9) < 0.15].max()
    assert magnitude[np.abs(ppm - 2.9) < 0.15].max() > 5 * magnitude[np.abs(ppm + 17.9) < 0.15].max()


@pytest.mark.parametrize("name", ["nmrpipe_1d_time.fid", "nmrpipe_2d_time.fid"])
def test_nmrpipe_files_that_nmrglue_ships(name: str) -> None:
    import nmrglue

    file = Path(nmrglue.__file__).parent / "fileio" / "tests" / "data" / name
    if not file.is_file():
        pytest.skip(f"this nmrglue comes without {name}")
    found, content = content_of(file)
    assert (found, content.stated.spectrometer_frequency_mhz, content.stated.spectral_width_hz) == (
        "NMRPipe",
        500.0,
        50000.0,
    )
    assert content.stated.resonant_nucleus == "1H"
    assert content.fid.shape == {"nmrpipe_1d_time.fid": (16,), "nmrpipe_2d_time.fid": (4, 8)}[name]


def test_brain_has_no_doubt_but_what_text_cannot_say(real_data: Path) -> None:
    from p31mg.io.doubts import doubts_of_spectra

    given = Given(spectrometer_frequency_mhz=120.0, spectral_width_hz=10_000.0, begin_time_s=3e-4)
    examined = examine(real_data / "brain-7t" / "fid.txt", given)
    assert examined.doubts == ("the file does not state the nucleus; it is taken to be 31P",)
    assert doubts_of_spectra(examined.spectra) == ()


def test_every_other_file_is_refused_in_words(real_data: Path) -> None:
    """Tables, licences and notes that lie beside the spectra."""
    for name in ("brain-7t/peer_fit.csv", "brain-7t/prior_knowledge_peer.csv", "README.md", "heart-3t/LICENSE"):
        with pytest.raises(p31mg.ReadError, match="is not two numbers"):
            p31mg.read(real_data / name)
