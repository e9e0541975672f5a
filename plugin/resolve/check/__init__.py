"""The contract check: what the agent assumes about Resolve, tested in a running one."""
