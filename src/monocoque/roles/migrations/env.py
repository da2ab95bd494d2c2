"""How Alembic runs the history: on the connection, and in the transaction, that it is given.

Alembic executes this file; importing it anywhere else has no meaning.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
