"""How well motions are proposed: the judge of the embedded model, and of whatever it is compared with."""
