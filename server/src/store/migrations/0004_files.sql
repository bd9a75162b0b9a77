-- The keys that come from key files, by the file: what a file leaves out is found without a look at all keys.
CREATE INDEX keys_of_file ON keys (source, seq) WHERE source GLOB 'file:*';
