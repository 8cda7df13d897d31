-- Which rows begin with a text is found and put in order without looking at the rows themselves.
DROP INDEX "intercepts_token_display";--> statement-breakpoint
CREATE INDEX "intercepts_token_display" ON "intercepts" USING btree ("token_display" text_pattern_ops,"created_at","id");