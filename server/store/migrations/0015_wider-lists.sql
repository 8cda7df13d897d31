DROP INDEX "intercepts_created_at";--> statement-breakpoint
-- A deep page is found by counting along the index of its list. What the list is filtered by stands in the index, so that no row has to be looked at.
CREATE INDEX "bindings_list" ON "bindings" USING btree ("id") INCLUDE ("token_display","status","mode");--> statement-breakpoint
CREATE INDEX "intercepts_created_at" ON "intercepts" USING btree ("created_at","id") INCLUDE ("client_ip","token_display");
