"""From a concentration to a periodic box of aqueous alkali hydroxide."""
