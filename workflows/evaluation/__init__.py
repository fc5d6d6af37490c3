"""Evaluation of proposed motions: success rates of the embedded model, and of the baselines it is compared with."""
