"""What the columns of a study mean."""

from __future__ import annotations

from collections.abc import Mapping

from p31mg.fitting import FitStatus

__all__ = ["COLUMNS", "explained", "is_result"]

COLUMNS: Mapping[str, str] = {
    "file": "path of the file below the study folder",
    "subject": "BIDS entity sub of the path",
    "session": "BIDS entity ses",
    "task": "BIDS entity task",
    "acquisition": "BIDS entity acq",
    "run": "BIDS entity run",
    "status": "how the fit ended: " + ", ".join(s.name for s in FitStatus),
    "reason": "why there is no result of the fit, or no Mg2+ where Kd could not be corrected; empty where there is one",
    "shift_alpha_beta_ppm": "delta(alpha-ATP) - delta(beta-ATP) between multiplet centres, ppm",
    "sd_shift_alpha_beta_ppm": "its standard deviation from the joint covariance, ppm",
    "shift_beta_pcr_ppm": "delta(beta-ATP) - delta(PCr), ppm",
    "sd_shift_beta_pcr_ppm": "its standard deviation, ppm",
    "free_mg_mM": "free intracellular Mg2+ by the calibration of the row, mM",
    "sd_mM": "its standard deviation from all errors in error_includes, mM",
    "sd_measurement_mM": "the part of it that comes from the shift, mM",
    "sd_condition_mM": "the part that comes from pH and temperature; 0 where Kd is not corrected for them, mM",
    "sd_calibration_mM": "the part that comes from the constants of the calibration; empty where their errors are not known, mM",
    "error_includes": "what has an error in sd_mM and in the interval",
    "interval_low_mM": "lower end of the interval at interval_level, from the errors in error_includes, mM",
    "interval_high_mM": "upper end; infinite where it lies beyond a limit of the calibration, mM",
    "interval_level": "probability that the interval aims at",
    "interval_open": "true where an end of the interval lies beyond a limit of the calibration",
    "probability_beyond_free": "probability of a shift beyond that of free ATP, where there would be no Mg2+",
    "probability_beyond_bound": "probability of a shift beyond that of MgATP, where Mg2+ could be anything high",
    "p_mg": "-log10 of free Mg2+ in mol/l",
    "in_range": "true where the shift lies within the range of the calibration",
    "inputs_ok": "false where pH could not be read from Pi, or an sd, pH or temperature made no sense",
    "mg_is_valid": "true where in_range, is_valid, not interval_open and everything known that acts: the rows to use",
    "ph": "intracellular pH",
    "sd_ph": "its standard deviation: as given, or from that of the Pi shift alone",
    "ph_source": "given, the equation that read it from Pi, or unknown",
    "temperature_c": "temperature, degrees Celsius",
    "sd_temperature_c": "its standard deviation, degrees Celsius",
    "kd_corrected": "true where Kd was corrected to pH, temperature, ionic strength and K+",
    "kd_ratio": "factor of Kd by which it was; 1 where it was not",
    "ionic_strength_M": "ionic strength that Kd was corrected to, mol/l",
    "potassium_M": "K+ that Kd was corrected to, mol/l",
    "calibration": "name of the calibration",
    "calibration_evidence": "how sure its constants are: A, B or user",
    "calibration_source": "its citation",
    "snr": "matched-filter SNR of PCr per component",
    "noise_sd": "noise of one component of one FID point, data units",
    "reference_offset_ppm": "PCr from the carrier, ppm",
    "prior": "name of the prior knowledge",
    "engine": "engine of the fit",
    "spectrometer_frequency_mhz": "31P frequency of the acquisition, MHz",
    "spectral_width_hz": "spectral width of the acquisition, Hz",
    "begin_time_s": "from the centre of the excitation to the first point, s",
    "begin_time_source": "where the begin time comes from: given, or the field of the file",
    "n_points": "complex points of the FID",
    "phase_deg": "zero-order phase common to all peaks, degrees",
    "converged": "true where the last step was shorter than 1e-4 standard errors",
    "moved": "true where alpha or beta ended elsewhere than where the fit began",
    "at_bound": "true where shift or width of alpha, beta or PCr sits on a bound",
    "snr_ok": "true where alpha- and beta-ATP have an SNR of at least 9",
    "linewidth_ok": "true where the PCr line is narrower than 0.6 ppm",
    "atp_linewidth_ok": "true where a line of alpha and beta is narrower than 1.2 ppm",
    "shift_in_range": "true where shift_alpha_beta_ppm lies between 8.32 and 10.91",
    "residual_ok": "true where the residual around alpha and beta is at most 1.35 times the noise of the last half of the FID, "
    "and no broad signal is left in the first points",
    "alpha_is_separate": "true where the shift of alpha is correlated by at most 0.6 with that of a neighbour",
    "begin_time_ok": "true where a fitted begin time lies within 3 sd of the stated one",
    "is_valid": "true where status is OK and all flags but alpha_is_separate and begin_time_ok are good",
    "first_point": "first point of the FID that was fitted",
    "gaussian_linewidth_hz": "Gaussian width that all lines share, that of the field; 0 where it was not needed, Hz",
    "crlb_gaussian_linewidth_hz": "its Cramer-Rao bound, Hz",
    "field_skew_hz": "skew of the field that all lines share; 0 where it was not needed, Hz",
    "crlb_field_skew_hz": "its Cramer-Rao bound, Hz",
    "j_coupling_hz": "first coupling constant of beta-ATP, fitted, Hz",
    "crlb_j_coupling_hz": "its Cramer-Rao bound, Hz",
    "crlb_begin_time_s": "Cramer-Rao bound of a fitted begin time, s",
    "n_iterations": "iterations of the fit",
}
_BY_ENDING = {
    "_crlb_chemical_shift_ppm": "Cramer-Rao bound of the centre of {}, ppm",
    "_crlb_linewidth_hz": "Cramer-Rao bound of the linewidth of {}, Hz",
    "_crlb_amplitude": "Cramer-Rao bound of the amplitude of {}, data units",
    "_chemical_shift_ppm": "centre of {} from PCr, ppm",
    "_linewidth_hz": "full width at half maximum of one line of {}, Hz",
    "_amplitude": "signal of {} at time 0, data units",
    "_snr": "matched-filter SNR of {} per component",
    "_phase_deg": "phase of {}, degrees",
}


def is_result(column: str) -> bool:
    """Return whether a column has a meaning of its own, apart from positions.

    Examples
    --------
    >>> is_result("free_mg_mM"), is_result("pcr_linewidth_hz"), is_result("age")
    (True, True, False)
    """
    return column in COLUMNS or column.endswith(tuple(_BY_ENDING)) or column.startswith("calibration_")


def explained(column: str) -> str:
    """Return what a column holds, with its unit.

    Examples
    --------
    >>> explained("beta_atp_linewidth_hz")
    'full width at half maximum of one line of beta_atp, Hz'
    """
    if column in COLUMNS:
        return COLUMNS[column]
    for ending, text in _BY_ENDING.items():
        if column.endswith(ending):
            return text.format(column.removesuffix(ending))
    if column.startswith("calibration_"):
        return f"constant {column.removeprefix('calibration_')} of the calibration"
    return f"position on the axis {column!r} of the file"
