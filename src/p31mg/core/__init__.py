"""The numerical core: NumPy arrays in, NumPy arrays out. No files, no tables, no units but Hz, s and radians.

`signal`               the model and its parameters
`envelope`             the Gaussian as a sum of exponentials
`bins`                 all that least squares needs of it, in closed form, on bins of the transform
`levenberg_marquardt`  a batched bounded solver: one status, one active set, no loop over problems
`start`                start values for a whole stack at once
`noise`                the noise of one component, from the spectrum itself
`covariance`           Cramer-Rao bounds from the information matrix
"""

__all__: list[str] = []
