"""Who a hydroxide is, and its proton transfers: hops, rattles, waiting times, free energy."""
