-- Large messages are found by their size, and not by looking at every message.
CREATE INDEX messages_by_size ON messages (size);

-- Recipients who stand in a message's To, Cc and Bcc already, by their address or, without one, by their name: so that
-- counting messages by recipient need not compare those of each message with each other.
CREATE TABLE repeated_recipients (
  message  INTEGER NOT NULL REFERENCES messages (id),
  role     INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (message, role, position)
) WITHOUT ROWID;
INSERT INTO repeated_recipients (message, role, position)
  WITH same (participant, number) AS MATERIALIZED (
    SELECT id, min(id) OVER (PARTITION BY coalesce(nullif(folded_address, ''), folded_name)) FROM participants
  )
  SELECT w.message, w.role, w.position
  FROM message_participants w CROSS JOIN same s ON s.participant = w.participant
  WHERE w.role BETWEEN 4 AND 6 AND NOT (w.role = 4 AND w.position = 0) AND EXISTS (
    SELECT 1 FROM message_participants e CROSS JOIN same t ON t.participant = e.participant
    WHERE e.message = w.message AND e.role BETWEEN 4 AND w.role
      AND (e.role < w.role OR e.position < w.position) AND t.number = s.number);
