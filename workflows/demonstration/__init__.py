"""The lab's scripted demonstrator."""
