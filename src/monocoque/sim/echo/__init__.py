"""Echo: an asker and an answerer, plain services that prove the frame in worlds."""
