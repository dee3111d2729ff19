"""A study of people: from tables to associations, simulated people with known truth, and what such a study can see.

`joining`         results and covariates to one row per person; everyone left out is counted
`formula`         ``strength ~ free_mg_mM + age``, parsed to columns
`doubts`          what is allowed but looks like a mistake
`errors_in_mg`    regressions in which Mg2+ has an error of known sd: arrays only
`association`     `cohort`: the tidy table
`simulated`       `simulate_cohort`
`power_of_a_study` `power`: how many people, how much SNR
"""

from p31mg.cohorts.association import CohortResult, cohort
from p31mg.cohorts.power_of_a_study import PowerResult, power
from p31mg.cohorts.simulated import Associations, SimulatedCohort, simulate_cohort

__all__ = ["Associations", "CohortResult", "PowerResult", "SimulatedCohort", "cohort", "power", "simulate_cohort"]
