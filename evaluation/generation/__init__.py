"""How well a model goes on from a piece: likelihood, samples against the truth, speed."""
