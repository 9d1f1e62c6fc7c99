"""Recipes: one TOML file per built-in task, and what may stand in one."""
