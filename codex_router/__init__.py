"""codex-router: which model and effort each kind of task deserves, written as Codex profiles and run."""

__version__ = "0.1.0"
