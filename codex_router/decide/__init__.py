"""Estimator, tiers, budgets, classifier, routing: pure, no clock, no disk, no environment."""
