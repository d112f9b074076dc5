"""What amended_secantus.py changes in SecantusDB, so that it answers as MongoDB does; one concern a file."""
