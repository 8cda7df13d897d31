-- Bindings of one mode and state are counted in an index of these alone: in the wide one of all lists each row takes a third longer.
DROP INDEX "bindings_mode";--> statement-breakpoint
CREATE INDEX "bindings_mode" ON "bindings" USING btree ("mode","id") INCLUDE ("status");
