"""Library of recordings: database, episodes, videos, calibrations, rehearsals, and import and export of data sets."""
