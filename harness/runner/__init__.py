"""The C++ runner as this machine sees it: built, deployed, started, its report read."""
