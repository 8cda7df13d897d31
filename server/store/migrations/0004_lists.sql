DROP INDEX "bindings_status";--> statement-breakpoint
DROP INDEX "intercepts_created_at";--> statement-breakpoint
CREATE INDEX "bindings_status" ON "bindings" USING btree ("status","id","mode");--> statement-breakpoint
CREATE INDEX "intercepts_created_at" ON "intercepts" USING btree ("created_at","id","client_ip");--> statement-breakpoint
-- Times of use are written every 5 s. Where a page has room for the new row beside the old one, no index is touched.
ALTER TABLE "bindings" SET (fillfactor = 70);--> statement-breakpoint
ALTER TABLE "api_keys" SET (fillfactor = 70);--> statement-breakpoint
ALTER TABLE "devices" SET (fillfactor = 70);
