"""The installed Codex: find it, know what it reads, plan and apply file edits, launch it, follow it."""
