-- The operator's policy: which messages exist for nobody.
--
-- What is withheld is stored, so that a read looks up a number and judges nothing. Messages whose sequence is above
-- `judged` and not above `until` are withheld until they were judged.

CREATE TABLE policy (
  only        INTEGER PRIMARY KEY CHECK (only = 1),
  fingerprint TEXT    NOT NULL,  -- of the policy in force (domain.policy); empty where nothing is withheld
  judged      INTEGER NOT NULL,
  until       INTEGER NOT NULL,
  generation  INTEGER NOT NULL   -- grows with every change to what is withheld
);
INSERT INTO policy VALUES (1, '', 0, 0, 0);

CREATE TABLE withheld (
  message INTEGER PRIMARY KEY REFERENCES messages (id)
);
CREATE TABLE withheld_mailboxes (
  mailbox INTEGER PRIMARY KEY REFERENCES mailboxes (id)
);

-- What every caller's mail is read through.
CREATE VIEW shown_placements AS
  SELECT p.message, p.mailbox, p.flags FROM placements p
  WHERE NOT EXISTS (SELECT 1 FROM withheld w WHERE w.message = p.message);
