"""Library screen: list, filters, player, labels and statistics of the recorded episodes."""
