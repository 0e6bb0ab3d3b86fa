"""What surrounds the notebooks: learners' copies, stored outputs, the ledger, the book."""
