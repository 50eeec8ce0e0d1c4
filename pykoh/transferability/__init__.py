"""How models trained at some concentrations do at others, and what each of them cost."""
