"""What people see: tables, diffs; the only place that knows colour and width."""
