"""One small file of every format, made by hand or by another library: never by the package's own writers.

Every maker takes a folder, FIDs in the sign of p31mg (a line f Hz above the carrier is exp(+2 pi i f t)) and the nucleus, and
returns the path that a user would give. The acquisition is that of the constants below.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import scipy.io
from nibabel.nifti1 import Nifti1Extension

FREQUENCY_MHZ, DWELL_TIME_S, WIDTH_HZ, BEGIN_TIME_S = 49.9, 2e-4, 5000.0, 4.5e-4
N_POINTS = 128

Maker = Callable[..., Path]


@dataclass(frozen=True)
class Case:
    """A format: how to make a file, and what its reader should then say.

    `asked_for`: what the file does not state. `begin_time_source`: None where the file does not state a begin time.
    `stack_axes`: names of the batch axes of a file with a stack of that many axes; empty where it holds one FID only.
    """

    name: str
    make: Maker
    asked_for: tuple[str, ...] = ()
    begin_time_source: str | None = None
    implied: bool = False
    states_nucleus: bool = True
    tolerance: float = 1e-15
    stack_axes: tuple[str, ...] = ()
    is_folder: bool = False
    needs: str = ""
    metadata_key: str = ""

    @property
    def given(self) -> dict[str, float]:
        """What a user has to give."""
        values = {
            "spectrometer_frequency_mhz": FREQUENCY_MHZ,
            "spectral_width_hz": WIDTH_HZ,
            "begin_time_s": BEGIN_TIME_S,
        }
        return {name: values[name] for name in self.asked_for}


def signal(*shape: int, seed: int = 0) -> np.ndarray:
    """Return FIDs (*shape, n) of two lines, 20 bins above and 33 below the carrier, with amplitudes of their own."""
    rng = np.random.default_rng(seed)
    n = np.arange(N_POINTS)
    lines = np.exp(2j * np.pi * 20 * n / N_POINTS - n / 50) + 0.4 * np.exp(-2j * np.pi * 33 * n / N_POINTS - n / 40)
    return rng.uniform(0.5, 2.0, size=(*shape, 1)) * lines


def nifti_mrs(folder: Path, fid: np.ndarray, nucleus: str = "31P", name: str = "fid.nii.gz", **more: Any) -> Path:
    data = np.conj(fid).reshape(1, 1, 1, *fid.shape)
    image = nibabel.Nifti2Image(np.moveaxis(data, -1, 3), np.eye(4))
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = DWELL_TIME_S
    metadata = {
        "SpectrometerFrequency": [FREQUENCY_MHZ],
        "ResonantNucleus": [nucleus],
        "EchoTime": BEGIN_TIME_S,
        "dim_5": "DIM_COIL",
        "dim_6": "DIM_DYN",
        **more,
    }
    image.header.extensions.append(Nifti1Extension(44, json.dumps(metadata).encode()))
    image.to_filename(folder / name)
    return folder / name


def jmrui_text(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    fid = np.atleast_2d(fid)
    lines = [
        "jMRUI Data Textfile\n\nFilename: made.txt\n",
        f"PointsInDataset: {fid.shape[1]}\nDatasetsInFile: {len(fid)}\nSamplingInterval: {1e3 * DWELL_TIME_S!r}",
        f"ZeroOrderPhase: 0E0\nBeginTime: {1e3 * BEGIN_TIME_S!r}\nTransmitterFrequency: {1e6 * FREQUENCY_MHZ!r}",
        f"MagneticField: {2.895 if nucleus == '31P' else 1.172}\nTypeOfNucleus: 0E0\nNameOfPatient: nobody\n",
        "\nSignal and FFT\nsig(real)\tsig(imag)\tfft(real)\tfft(imag)",
    ]
    for i, row in enumerate(fid, 1):
        lines.append(f"Signal {i} out of {len(fid)} in file")
        lines += [f"{z.real!r}\t{z.imag!r}\t0.0\t0.0" for z in row.tolist()]
    file = folder / "jmrui.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def jmrui_binary(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    number = {"31P": 2.0, "1H": 1.0}[nucleus]
    header = [0.0, fid.shape[-1], 1e3 * DWELL_TIME_S, 1e3 * BEGIN_TIME_S, 0.0, 1e6 * FREQUENCY_MHZ, 2.895, number]
    head = struct.pack(">64d", *header, *[0.0] * (64 - len(header)))
    file = folder / "made.mrui"
    file.write_bytes(head + fid.astype(complex).view(float).astype(">f8").tobytes() + b"made by hand;2026\n")
    return file


def siemens_rda(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    grid = fid.shape[:-1] or (1, 1, 1)
    lines = [
        ">>> Begin of header <<<",
        "PatientName: n\xf6body",
        f"TE: {1e3 * BEGIN_TIME_S:.6f}",
        f"DwellTime: {1e6 * DWELL_TIME_S:.0f}",
        f"MRFrequency: {FREQUENCY_MHZ:.6f}".replace(".", ","),  # as installations of some countries write it
        f"Nucleus: {nucleus}",
        f"VectorSize: {fid.shape[-1]}",
        *(f"CSIMatrixSize[{i}]: {n}" for i, n in enumerate(grid)),
        ">>> End of header <<<",
    ]
    data = np.conj(fid).reshape(*grid, -1).transpose(2, 1, 0, 3)
    file = folder / "made.rda"
    file.write_bytes(("\r\n".join(lines) + "\r\n").encode("latin-1") + data.astype("<c16").tobytes())
    return file


def lcmodel_raw(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    del nucleus
    values = np.conj(fid).view(float)
    head = f" $SEQPAR\n ECHOT={1e3 * BEGIN_TIME_S!r}, SEQ='FID',\n HZPPPM={FREQUENCY_MHZ!r}, DELTAT={DWELL_TIME_S!r} $END\n"
    head += " $NMID ID='made', FMTDAT='(2E25.16)'\n TRAMP=1, VOLUME=1 $END\n"
    rows = "\n".join(f"{re:25.16E}{im:25.16E}" for re, im in values.reshape(-1, 2))
    file = folder / "made.RAW"
    file.write_text(head + rows + "\n", encoding="ascii")
    return file


def philips_sdat(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    rows = np.atleast_2d(fid)
    bits = (4 * rows.astype(np.complex64).view(np.float32)).view(np.uint32).ravel()  # VAX F is four times smaller
    words = np.column_stack([bits >> 16, bits & 0xFFFF]).astype("<u2")
    (folder / "made.SDAT").write_bytes(words.tobytes())
    parameters = [
        "!  made by hand",
        f"samples : {rows.shape[1]}",
        f"rows : {len(rows)}",
        f"synthesizer_frequency : {1e6 * FREQUENCY_MHZ:.0f}",
        f"sample_frequency : {WIDTH_HZ:.0f}",
        f"nucleus : {nucleus}",
        f"echo_time : {1e3 * BEGIN_TIME_S!r}",
        'scan_id : "nobody: second"',
    ]
    (folder / "made.spar").write_text("\n\n".join(parameters), encoding="utf-8")
    return folder / "made.SDAT"


def text(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    del nucleus
    rows = np.atleast_2d(fid)
    file = folder / "made.txt"
    np.savetxt(file, np.ascontiguousarray(rows.T).view(float), fmt="%.17g")
    return file


def npy(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    del nucleus
    np.save(folder / "made.npy", fid)
    return folder / "made.npy"


def npz(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    names = ["coil", "dyn"][: fid.ndim - 1]
    np.savez_compressed(
        folder / "made.npz",
        fid=fid,
        dwell_time_s=DWELL_TIME_S,
        spectrometer_frequency_mhz=FREQUENCY_MHZ,
        begin_time_s=BEGIN_TIME_S,
        resonant_nucleus=nucleus,
        axis_names=np.array(names, dtype=str),
    )
    return folder / "made.npz"


def nifti_uncompressed(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    return nifti_mrs(folder, fid, nucleus, name="fid.nii")


def matlab_compressed(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    return matlab(folder, fid, nucleus, compressed=True)


def matlab(folder: Path, fid: np.ndarray, nucleus: str = "31P", compressed: bool = False) -> Path:
    study = {
        "fid": fid if fid.ndim > 1 else fid[:, None],
        "txfrq": 1e6 * FREQUENCY_MHZ,
        "dwelltime": DWELL_TIME_S,
        "begin_time": BEGIN_TIME_S,
        "nucleus": nucleus,
        "comment": "made by scipy",
        "history": np.array(["read", np.arange(3.0)], dtype=object),
    }
    scipy.io.savemat(folder / "made.mat", {"study": study, "version": "1"}, do_compression=compressed)
    return folder / "made.mat"


def acqus(fid: np.ndarray, nucleus: str, **more: Any) -> str:
    values = {
        "AQ_mod": 3,
        "BYTORDA": 0,
        "DE": 6.5,
        "DECIM": 1,
        "DIGMOD": 0,
        "DSPFVS": 12,
        "DTYPA": 0,
        "NUC1": f"<{nucleus}>",
        "P": "(0..3)\n2 12.5 25 0",
        "PARMODE": fid.ndim - 1,
        "PULPROG": "<zg>",
        "SFO1": FREQUENCY_MHZ,
        "SW_h": WIDTH_HZ,
        "TD": 2 * fid.shape[-1],
        **more,
    }
    return (
        "##TITLE= Parameter file\n##JCAMPDX= 5.0\n" + "".join(f"##${k}= {v}\n" for k, v in values.items()) + "##END=\n"
    )


def bruker(folder: Path, fid: np.ndarray, nucleus: str = "31P", **more: Any) -> Path:
    folder = folder / "11"
    folder.mkdir()
    (folder / "acqus").write_text(acqus(fid, nucleus, **more), encoding="utf-8")
    values = np.rint(2.0**28 * np.atleast_2d(fid).view(float) / 4).astype("<i4")
    if fid.ndim == 1:
        (folder / "fid").write_bytes(values.tobytes())
        return folder
    padded = np.zeros((len(values), -(-values.shape[1] // 256) * 256), "<i4")
    padded[:, : values.shape[1]] = values
    (folder / "ser").write_bytes(padded.tobytes())
    return folder


def paravision(folder: Path, fid: np.ndarray, nucleus: str = "31P", **more: Any) -> Path:
    folder = folder / "7"
    folder.mkdir()
    stack = fid.reshape(1, 1, -1) if fid.ndim == 1 else fid
    acqp = {"BF1": FREQUENCY_MHZ, "NR": stack.shape[0], "BYTORDA": "little", "GO_raw_data_format": "GO_32BIT_SGN_INT"}
    method = {
        "PVM_SpecMatrix": f"( 1 )\n{fid.shape[-1]}",
        "PVM_SpecSWH": f"( 1 )\n{WIDTH_HZ}",
        "PVM_EncNReceivers": stack.shape[1],
        "PVM_Nucleus1": f"( 8 )\n<{nucleus}>",
        "PVM_DigShift": 0,
        **more,
    }
    for name, values in (("acqp", acqp), ("method", method)):
        entries = "".join(f"##${k}={v}\n" for k, v in values.items())
        (folder / name).write_text(f"##TITLE=made\n$$ by hand\n{entries}##END=\n", encoding="utf-8")
    (folder / "fid").write_bytes(np.rint(2.0**28 * stack.view(float) / 4).astype("<i4").tobytes())
    return folder


def varian(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    folder = folder / "made.fid"
    folder.mkdir()
    rows = np.conj(np.atleast_2d(fid)).astype(np.complex64).view(np.float32).astype(">f4")
    n_values, trace_bytes = rows.shape[1], 4 * rows.shape[1]
    content = struct.pack(">6i2hi", len(rows), 1, n_values, 4, trace_bytes, trace_bytes + 28, 0, 0b1001, 1)
    for i, row in enumerate(rows, 1):
        content += struct.pack(">4hi4f", 0, 1, i, 0, 1, 0, 0, 0, 0) + row.tobytes()
    (folder / "fid").write_bytes(content)
    name = nucleus[-1] + nucleus[:-1]
    numbers = {"sfrq": FREQUENCY_MHZ, "sw": WIDTH_HZ, "pw": 8, "rof2": 40, "alfa": 10, "np": n_values}
    entries = "".join(f"{k} 1 1 1e9 -1e9 0 2 1 11 1 64\n1 {v} \n0 \n" for k, v in numbers.items())
    entries += "".join(f'{k} 2 2 8 0 0 2 1 11 1 64\n1 "{v}"\n0 \n' for k, v in {"tn": name, "array": "d2"}.items())
    (folder / "procpar").write_text(entries, encoding="ascii")
    return folder


def nmrpipe(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    """Written by nmrglue, from a dictionary of its own."""
    from nmrglue.fileio import fileiobase, pipe

    universal = fileiobase.create_blank_udic(fid.ndim)
    for axis in range(fid.ndim):
        is_direct = axis == fid.ndim - 1
        universal[axis] |= {"sw": WIDTH_HZ, "obs": FREQUENCY_MHZ, "size": fid.shape[axis], "complex": is_direct}
        universal[axis] |= {"encoding": "direct" if is_direct else "magnitude", "label": nucleus if is_direct else "T"}
    file = folder / "made.fid"
    pipe.write(str(file), pipe.create_dic(universal), fid.astype(np.complex64))
    return file


def jcamp_dx(folder: Path, fid: np.ndarray, nucleus: str = "31P", **more: Any) -> Path:
    n = fid.size
    head = [
        "##TITLE= made",
        "##JCAMP-DX= 5.0",
        "##DATA TYPE= NMR FID",
        "##DATA CLASS= NTUPLES",
        f"##.OBSERVE FREQUENCY= {FREQUENCY_MHZ!r}",
        f"##.OBSERVE NUCLEUS= ^{nucleus}",
        *(f"##${k}= {v}" for k, v in more.items()),
        "##NTUPLES= NMR FID",
        "##VAR_NAME= TIME, FID/REAL, FID/IMAG",
        "##SYMBOL= X, R, I",
        "##VAR_FORM= AFFN, AFFN, AFFN",
        f"##VAR_DIM= {n}, {n}, {n}",
        "##UNITS= SECONDS, ARBITRARY UNITS, ARBITRARY UNITS",
        f"##FIRST= 0, {fid[0].real!r}, {fid[0].imag!r}",
        f"##LAST= {(n - 1) * DWELL_TIME_S!r}, 0, 0",
        "##FACTOR= 1, 1, 1",
    ]
    for page, letter, values in ((1, "R", fid.real), (2, "I", fid.imag)):
        head += [f"##PAGE= N={page}", f"##DATA TABLE= (X++({letter}..{letter})), XYDATA"]
        head += [f"{i} {v!r}" for i, v in enumerate(values.tolist())]
    file = folder / "made.dx"
    file.write_text("\n".join([*head, "##END NTUPLES= NMR FID", "##END="]) + "\n", encoding="ascii")
    return file


def spinsolve(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    folder = folder / "made"
    folder.mkdir()
    parameters = {"b1Freq": FREQUENCY_MHZ, "dwellTime": 1e6 * DWELL_TIME_S, "bandwidth": WIDTH_HZ / 1e3, "acqDelay": 24}
    lines = [f"{k:36}= {v}" for k, v in parameters.items()] + [f'{"rxChannel":36}= "{nucleus}"']
    (folder / "acqu.par").write_text("\n".join(lines) + "\n", encoding="utf-8")
    head = b"SORPATAD1.1V" + struct.pack("<5I", 504, fid.size, 1, 1, 1)
    times = (DWELL_TIME_S * np.arange(fid.size)).astype("<f4")
    (folder / "data.1d").write_bytes(head + times.tobytes() + np.conj(fid).astype("<c8").tobytes())
    return folder


def jeol(folder: Path, fid: np.ndarray, nucleus: str = "31P", **more: str) -> Path:
    """A little-endian file of version 1: header, parameters, then all real parts and all imaginary parts, negated."""
    values: dict[str, Any] = {
        "x_freq": 1e6 * FREQUENCY_MHZ,
        "x_sweep": WIDTH_HZ,
        "acq_delay": 2e-5,
        "x_pulse": 5.0,
        "x_domain": {"31P": "Phosphorus31", "1H": "Proton"}[nucleus],
        "digital_filter": "FALSE",
        **more,
    }
    entries = b""
    for name, value in values.items():
        packed = struct.pack("<d8x", value) if isinstance(value, float) else value.encode().ljust(16)
        kind = 2 if isinstance(value, float) else 0
        entries += (
            bytes(4)
            + struct.pack("<h", 0)
            + bytes(10)
            + packed
            + struct.pack("<i", kind)
            + name.upper().encode().ljust(28)
        )
    table = struct.pack("<4I", 64, 0, len(values), 64 * len(values)) + entries
    n, start = fid.size, 1360
    head = (
        b"JEOL.NMR"
        + struct.pack(">bBHB", 1, 1, 1, 1)
        + bytes([0x80, 0x01])
        + struct.pack(">b", 25)
        + bytes(range(1, 9))
    )
    head += bytes([3, 0, 0, 0, 0, 0, 0, 0]) + bytes([0x01, 28]) + bytes(14) + b"made".ljust(124, b"\0") + bytes(4)
    head += struct.pack(">8I", n, *[1] * 7) + struct.pack(">8I", *[0] * 8) + struct.pack(">8I", n - 1, *[0] * 7)
    head += (
        struct.pack(">16d", *[0.0] * 16) + bytes(8) + bytes(16 + 3 * 128 + 8 * 32) + struct.pack(">16d", *[0.0] * 16)
    )
    head += (
        bytes(8) + bytes(3) + bytes(1) + struct.pack(">2I", 0, 0) + struct.pack(">2I", start, len(table)) + bytes(64)
    )
    head += struct.pack(">I2I", start + len(table), 0, 16 * n)
    head = head.ljust(start, b"\0")
    parts = np.concatenate([fid.real, -fid.imag]).astype("<f8")
    file = folder / "made.jdf"
    file.write_bytes(head + table + parts.tobytes())
    return file


def dicom(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    """An enhanced spectroscopy object as Numaris X exports it, with the fields that spec2nii asks for."""
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    def sequence(**values: Any) -> list[Dataset]:
        item = Dataset()
        for name, value in values.items():
            setattr(item, name, value)
        return [item]

    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.2"
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = generate_uid(entropy_srcs=["made"])
    made.Manufacturer, made.Modality, made.SoftwareVersions = "Siemens Healthineers", "MR", "XA30"
    made.PatientName, made.PatientID, made.PatientPosition = "Nobody^N", "0", "HFS"
    made.StudyInstanceUID, made.SeriesInstanceUID = generate_uid(entropy_srcs=["a"]), generate_uid(entropy_srcs=["b"])
    made.SeriesNumber, made.InstanceNumber, made.ProtocolName = 3, 1, "fid"
    made.Rows, made.Columns, made.NumberOfFrames, made.DataPointColumns = 1, 1, 1, fid.size
    made.SpectralWidth, made.TransmitterFrequency, made.ResonantNucleus = WIDTH_HZ, FREQUENCY_MHZ, nucleus
    made.SharedFunctionalGroupsSequence = sequence(
        MRSpectroscopyFOVGeometrySequence=sequence(
            SpectroscopyAcquisitionPhaseRows=1,
            SpectroscopyAcquisitionPhaseColumns=1,
            SpectroscopyAcquisitionOutOfPlanePhaseSteps=1,
        ),
        PixelMeasuresSequence=sequence(PixelSpacing=[20.0, 20.0], SliceThickness=20.0),
        PlaneOrientationSequence=sequence(ImageOrientationPatient=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
        MREchoSequence=sequence(EffectiveEchoTime=1e3 * BEGIN_TIME_S),
        MRTimingAndRelatedParametersSequence=sequence(RepetitionTime=2000.0, FlipAngle=90.0),
        MRTransmitCoilSequence=sequence(TransmitCoilName="TX"),
        MRReceiveCoilSequence=sequence(ReceiveCoilName="RX"),
    )
    made.PerFrameFunctionalGroupsSequence = sequence(
        PlanePositionSequence=sequence(ImagePositionPatient=[0.0, 0.0, 0.0]),
        PlaneOrientationSequence=sequence(ImageOrientationPatient=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
    )
    made.SpectroscopyData = fid.astype(np.complex64).tobytes()
    pydicom.dcmwrite(folder / "made.dcm", made, enforce_file_format=True)
    return folder / "made.dcm"


def _csa_header(**tags: list[str]) -> bytes:
    """A header of the second form of Siemens' private fields: tags of text items, each padded to four bytes."""
    content = b"SV10\4\3\2\1" + struct.pack("<2I", len(tags), 77)
    for name, items in tags.items():
        is_number = all(item.replace(".", "", 1).isdigit() for item in items)
        kind = (b"LO" if not is_number else b"FD" if "." in "".join(items) else b"IS") + b"\0\0"
        content += struct.pack("<64si4s3i", name.encode(), len(items), kind, 3, len(items), 77)
        for item in items:
            value = item.encode() + b"\0"
            content += struct.pack("<4i", len(value), len(value), 77, len(value)) + value + bytes(-len(value) % 4)
    return content


def dicom_ima(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    """A spectroscopy object of Numaris 4 (IMA): all that matters is in private fields. A stack is a grid (x, y, z)."""
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    grid = fid.shape[:-1] or (1, 1, 1)
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = "1.3.12.2.1107.5.9.1"
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = generate_uid(entropy_srcs=["ima"])
    made.Manufacturer, made.Modality, made.SoftwareVersions = "SIEMENS", "MR", "syngo MR B17"
    made.PatientName, made.PatientPosition, made.ProtocolName = "Nobody^N", "HFS", "fid"
    made.SeriesNumber, made.InstanceNumber = 3, 1
    image = _csa_header(
        Rows=[str(grid[1])],
        Columns=[str(grid[0])],
        NumberOfFrames=[str(grid[2])],
        DataPointColumns=[str(fid.shape[-1])],
        ImageOrientationPatient=["1.0", "0.0", "0.0", "0.0", "1.0", "0.0"],
        ImagePositionPatient=["0.0", "0.0", "0.0"],
        PixelSpacing=["20.0", "20.0"],
        SliceThickness=["20.0"],
        VoiOrientation=[],
        VoiPosition=["0.0", "0.0", "0.0"],
        VoiPhaseFoV=["20.0"],
        VoiReadoutFoV=["20.0"],
        VoiThickness=["20.0"],
        RealDwellTime=[f"{1e9 * DWELL_TIME_S:.0f}"],
        ImagingFrequency=[repr(FREQUENCY_MHZ)],
        ImagedNucleus=[nucleus],
        RepetitionTime=["2000.0"],
        InversionTime=[],
        FlipAngle=["90.0"],
        TransmittingCoil=["TX"],
        ReceivingCoil=["RX"],
        SequenceName=["*fid"],
    )
    protocol = (
        f'### ASCCONV BEGIN ###\ntSequenceFileName = "fid"\nalTE[0] = {1e6 * BEGIN_TIME_S!r}\n\n### ASCCONV END ###\n'
    )
    block = made.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", image)
    block.add_new(0x20, "OB", _csa_header(MrPhoenixProtocol=[protocol]))
    data = np.conj(fid).reshape(*grid, -1).transpose(2, 1, 0, 3).astype("<c8").tobytes()
    made.private_block(0x7FE1, "SIEMENS CSA NON-IMAGE", create=True).add_new(0x10, "OB", data)
    pydicom.dcmwrite(folder / "made.IMA", made, enforce_file_format=True)
    return folder / "made.IMA"


def _twix_header(software: str, nucleus: str, length: int) -> bytes:
    """Named buffers of parameters, in the two notations of Siemens, padded to a length."""

    def parameters(**values: Any) -> str:
        kinds = {str: ("String", '"{}"'), int: ("Long", "{}"), float: ("Double", "<Precision> 6 {}")}
        entries = [(kinds[type(v)], k, v) for k, v in values.items()]
        return "".join(f'<Param{kind}."{k}"> {{ {form.format(v)} }}\n' for (kind, form), k, v in entries)

    buffers = {
        "Config": parameters(SequenceFileName="fid.exe"),
        "Dicom": parameters(
            SoftwareVersions=software,
            Manufacturer="SIEMENS",
            ManufacturersModelName="made",
            DeviceSerialNumber=1,
            InstitutionName="nowhere",
            InstitutionAddress="nowhere",
            tProtocolName="fid",
        ),
        "Meas": parameters(
            tSequenceString="fid",
            Frequency=1e6 * FREQUENCY_MHZ,
            ResonantNucleus=nucleus,
            TR=2000000,
            FlipAngle=90.0,
            dDeltaFrequency=0.0,
            PatientPosition="HFS",
            PatientName="nobody",
            flUsedPatientWeight=70.0,
            PatientBirthDay="19000101",
            PatientSex=1,
            tICEProgramName="made",
        ),
        "MeasYaps": f"### ASCCONV BEGIN ###\nsRXSPEC.alDwellTime[0] = {1e9 * DWELL_TIME_S:.0f}\n\n### ASCCONV END ###\n",
        "Phoenix": f"### ASCCONV BEGIN ###\nalTE[0] = {1e6 * BEGIN_TIME_S!r}\n\n### ASCCONV END ###\n",
    }
    head = struct.pack("<I", len(buffers))
    for name, content in buffers.items():
        head += name.encode() + b"\0" + struct.pack("<I", len(content)) + content.encode()
    return (struct.pack("<I", length) + head).ljust(length, b"\0")


def ge_pfile(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    """A raw file of revision 28, laid out by spec2nii's own table of its header, of the only kind of sequence that it knows.

    A stack is (coil, repetition). Before the repetitions of a coil come an empty scan and two without water suppression. The raw
    sign is that of NIfTI-MRS.
    """
    import ctypes

    from spec2nii.GE.ge_hdr_fields import get_pfile_hdr_fields

    class Header(ctypes.LittleEndianStructure):
        _pack_ = 1
        _fields_ = get_pfile_hdr_fields(28.003)

    stack = fid.reshape(1, 1, -1) if fid.ndim == 1 else fid
    n_coils, n_repetitions, n_points = stack.shape
    n_references, averages, start = 2, 8, 228_020
    header = Header()
    for name, value in {
        "rhr_rdb_hdr_off_data": start,
        "rhr_rh_raw_pass_size": 8 * n_coils * (1 + n_references + n_repetitions) * n_points,
        "rhr_rh_point_size": 4,
        "rhr_rh_frame_size": n_points,
        "rhr_rh_dab[0]_stop_rcv": n_coils - 1,
        "rhr_spectral_width": WIDTH_HZ,
        "rhr_rh_ps_mps_freq": round(1e7 * FREQUENCY_MHZ),
        "rhe_magstrength": {"31P": 28_954, "1H": 11_720}[nucleus],
        "rhi_nex": averages,
        "rhi_numecho": 1,
        "rhi_user4": averages * n_repetitions,
        "rhi_freq_dir": 1,
        "rhi_te": round(1e6 * BEGIN_TIME_S),
        "rhi_tr": 2_000_000,
        "rhi_psdname": b"probe-p",
        "rhr_rh_logo": b"GE_MED_NMR",
        "rhi_trhc_R": 1.0,
        "rhi_brhc_A": 1.0,
        "rhi_trhc_A": 0.0,
        "rhi_brhc_R": 1.0,
        "rhi_user8": 20.0,
        "rhi_user9": 20.0,
        "rhi_user10": 20.0,
    }.items():
        setattr(header, name, value)
    content = bytearray(bytes(header).ljust(start, b"\0"))
    struct.pack_into("<f", content, 0, 28.003)
    before = np.zeros((n_coils, 1 + n_references, n_points))
    scans = np.concatenate([before, np.conj(stack)], axis=1)
    values = np.rint(2.0**26 * np.ascontiguousarray(scans).view(float)).astype("<i4")
    file = folder / "P12345.7"
    file.write_bytes(bytes(content) + values.tobytes())
    return file


def siemens_twix(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    """A raw file of Numaris 4 (VB): a measurement header before every coil of every repetition.

    A stack is (coil, repetition). The raw sign is that of p31mg: spec2nii conjugates it for NIfTI-MRS.
    """
    stack = fid.reshape(1, 1, -1) if fid.ndim == 1 else fid
    n_coils, n_repetitions, n_points = stack.shape
    scans = b""
    for repetition in range(n_repetitions + 1):
        is_end = repetition == n_repetitions
        for coil in range(1 if is_end else n_coils):
            loops = [*[0] * 6, repetition, *[0] * 7]  # the seventh counts repetitions
            flags = 1 if is_end else 1 << 3
            header = struct.pack(
                "<5I2I2H14H", 128 + 8 * n_points, 1, repetition + 1, 0, 0, flags, 0, n_points, n_coils, *loops
            )
            header = header.ljust(124, b"\0") + struct.pack("<2H", coil, 0)
            scans += header + (b"" if is_end else stack[coil, repetition].astype("<c8").tobytes())
    file = folder / "meas_MID00042_fid.dat"
    head = _twix_header("syngo MR B17", nucleus, 12_288)  # a length above 10 000 tells VB from later versions
    file.write_bytes(head + scans + bytes(512))
    return file


def siemens_twix_vd(folder: Path, fid: np.ndarray, nucleus: str = "31P") -> Path:
    """A raw file since VD: a table of measurements, and one header before all coils of a repetition, each with a short one."""
    stack = fid.reshape(1, 1, -1) if fid.ndim == 1 else fid
    n_coils, n_repetitions, n_points = stack.shape
    scans = b""
    for repetition in range(n_repetitions + 1):
        is_end = repetition == n_repetitions
        size = 192 + (0 if is_end else n_coils * (32 + 8 * n_points))
        loops = [*[0] * 6, repetition, *[0] * 7]
        header = struct.pack("<5I", size, 1, repetition + 1, 0, 0) + bytes(20)
        header += struct.pack("<2I2H14H", 1 if is_end else 1 << 3, 0, n_points, n_coils, *loops)
        scans += header.ljust(192, b"\0")
        if not is_end:
            for coil in range(n_coils):
                scans += (
                    bytes(24) + struct.pack("<H", coil) + bytes(6) + stack[coil, repetition].astype("<c8").tobytes()
                )
    measurement = _twix_header("syngo MR E11", nucleus, 4096) + scans + bytes(512)
    table = struct.pack("<4I2Q", 0, 1, 42, 1, 10_240, len(measurement)).ljust(10_240, b"\0")
    file = folder / "meas_MID00042_fid.dat"
    file.write_bytes(table + measurement)
    return file


_ACQUISITION = ("spectrometer_frequency_mhz", "spectral_width_hz", "begin_time_s")
_BEGIN = ("begin_time_s",)

CASES = {
    case.name: case
    for case in (
        Case(
            "nifti_mrs",
            nifti_mrs,
            begin_time_source="EchoTime",
            implied=True,
            stack_axes=("coil", "dyn"),
            metadata_key="EchoTime",
        ),
        Case(
            "nifti_uncompressed",
            nifti_uncompressed,
            begin_time_source="EchoTime",
            implied=True,
            stack_axes=("coil", "dyn"),
            metadata_key="EchoTime",
        ),
        Case(
            "jmrui_text",
            jmrui_text,
            begin_time_source="BeginTime",
            stack_axes=("signal",),
            metadata_key="NameOfPatient",
        ),
        Case("jmrui_binary", jmrui_binary, begin_time_source="begin time of the header", stack_axes=("signal",)),
        Case(
            "siemens_rda",
            siemens_rda,
            begin_time_source="TE",
            implied=True,
            stack_axes=("x", "y", "z"),
            metadata_key="PatientName",
        ),
        Case(
            "lcmodel_raw",
            lcmodel_raw,
            begin_time_source="ECHOT",
            implied=True,
            states_nucleus=False,
            metadata_key="SEQ",
        ),
        Case(
            "philips_sdat",
            philips_sdat,
            begin_time_source="echo_time",
            implied=True,
            tolerance=1e-7,
            stack_axes=("row",),
            metadata_key="scan_id",
        ),
        Case("text", text, _ACQUISITION, states_nucleus=False, stack_axes=("spectrum",)),
        Case("npy", npy, _ACQUISITION, states_nucleus=False, stack_axes=("axis_0", "axis_1")),
        Case("npz", npz, begin_time_source="begin_time_s", stack_axes=("coil", "dyn"), metadata_key="dwell_time_s"),
        Case(
            "matlab", matlab, begin_time_source="begin_time_s", stack_axes=("axis_0", "axis_1"), metadata_key="comment"
        ),
        Case(
            "matlab_compressed",
            matlab_compressed,
            begin_time_source="begin_time_s",
            stack_axes=("axis_0", "axis_1"),
            metadata_key="comment",
        ),
        Case(
            "bruker", bruker, _BEGIN, tolerance=1e-8, stack_axes=("indirect_0",), is_folder=True, metadata_key="acqus"
        ),
        Case(
            "paravision",
            paravision,
            _BEGIN,
            tolerance=1e-8,
            stack_axes=("dyn", "coil"),
            is_folder=True,
            metadata_key="acqp",
        ),
        Case(
            "varian", varian, _BEGIN, tolerance=1e-7, stack_axes=("array_d2",), is_folder=True, metadata_key="procpar"
        ),
        Case("nmrpipe", nmrpipe, _BEGIN, tolerance=1e-7, stack_axes=("indirect_0",), metadata_key="FDDIMCOUNT"),
        Case("jcamp_dx", jcamp_dx, _BEGIN, metadata_key="TITLE"),
        Case("spinsolve", spinsolve, _BEGIN, tolerance=1e-7, is_folder=True, metadata_key="rxChannel"),
        Case("jeol", jeol, _BEGIN, metadata_key="header"),
        Case(
            "dicom",
            dicom,
            begin_time_source="EchoTime",
            implied=True,
            tolerance=1e-7,
            needs="spec2nii",
            metadata_key="EchoTime",
        ),
        Case(
            "dicom_ima",
            dicom_ima,
            begin_time_source="EchoTime",
            implied=True,
            tolerance=1e-7,
            stack_axes=("x", "y", "z"),
            needs="spec2nii",
            metadata_key="PulseSequenceFile",
        ),
        Case(
            "ge_pfile",
            ge_pfile,
            begin_time_source="EchoTime",
            implied=True,
            tolerance=1e-7,
            stack_axes=("coil", "dyn"),
            needs="spec2nii",
            metadata_key="WaterSuppressed",
        ),
        Case(
            "siemens_twix",
            siemens_twix,
            begin_time_source="EchoTime",
            implied=True,
            tolerance=1e-7,
            stack_axes=("coil", "dyn"),
            needs="spec2nii",
            metadata_key="PulseSequenceFile",
        ),
        Case(
            "siemens_twix_vd",
            siemens_twix_vd,
            begin_time_source="EchoTime",
            implied=True,
            tolerance=1e-7,
            stack_axes=("coil", "dyn"),
            needs="spec2nii",
            metadata_key="PulseSequenceFile",
        ),
    )
}
