"""The contract check: tests the agent's assumptions about Resolve in a running one."""
