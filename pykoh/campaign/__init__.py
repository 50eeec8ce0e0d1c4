"""Campaigns: concentrations x temperatures x replicas as jobs that continue until they are done."""
