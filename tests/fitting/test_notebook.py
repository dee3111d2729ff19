"""What a notebook shows of results: a short table."""

from __future__ import annotations

import p31mg


def test_results_show_themselves_as_tables() -> None:
    fit = p31mg.fit(p31mg.simulate([0.4, 0.6], snr=[10, 300], seed=3, n_points=1024))
    shown = fit._repr_html_()
    assert shown.count("<tr") == 3
    assert "shift_alpha_beta_ppm" in shown
    mg = p31mg.free_magnesium(fit)._repr_html_()
    assert "gupta-1978" in mg
    assert f"{float(p31mg.free_magnesium(fit).free_mg_mM[1]):.4g}" in mg
