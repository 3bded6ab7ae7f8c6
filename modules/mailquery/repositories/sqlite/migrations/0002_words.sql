-- The words of the index by their stems, so that a word is found in its other forms and a misspelt one is noticed.
-- Words of letters alone, folded; not those of scripts without spaces.
CREATE TABLE words (
  word TEXT PRIMARY KEY,
  stem TEXT NOT NULL  -- domain.stemming.stem
) WITHOUT ROWID;
CREATE INDEX words_by_stem ON words (stem);

CREATE VIRTUAL TABLE temp.terms USING fts5vocab (main, search, row);
INSERT INTO words (word, stem)
  SELECT term, stem(term) FROM temp.terms WHERE length(term) BETWEEN 3 AND 24 AND is_word(term);
DROP TABLE temp.terms;
