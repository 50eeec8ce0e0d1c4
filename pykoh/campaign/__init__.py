"""Campaigns: concentrations x temperatures x replicas as jobs that run themselves to the end."""
