-- Who this state is.

-- name: identity$
-- A copy of a database under another name is another installation: a staging system is often made that way.
SELECT id || ' ' || current_database() FROM installation;
