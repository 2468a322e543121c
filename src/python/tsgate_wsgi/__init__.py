"""The Python half of tsgate's kind wsgi: one interpreter a worker, standard library only. Protocol: docs/wsgi-protocol.md."""
