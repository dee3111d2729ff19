"""The parts of the benchmark; `run.py` beside this folder runs them.

`cases`        spectra with known truth, made here from the equation of the conventions page
`timing`       repetitions of several things in turns, so that a busy machine slows all of them
`record`       rows of the table, results as JSON, the page
`fourier`      (a) a fit over one FFT, for every lineshape
`peer`         (b) over pyAMARES, which runs in an environment of its own (`peer_pyamares`)
`scipy_loop`   (c) over a loop of `scipy.optimize.least_squares`
`growth`       (d) with spectra, points, resonances, workers; one spectrum; import
`error_bars`   (e) scatter, z-scores, bias; `optimum`: how many fits reach the best optimum known
"""
