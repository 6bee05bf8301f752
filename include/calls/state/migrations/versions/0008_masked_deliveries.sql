-- A folder that was delivered with personal data hidden stays so: each later publication of it hides it again.
ALTER TABLE deliveries ADD COLUMN masked boolean NOT NULL DEFAULT false;
