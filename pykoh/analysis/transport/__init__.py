"""Diffusion, conductivity, viscosity and temperature."""
