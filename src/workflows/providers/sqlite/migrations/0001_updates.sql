CREATE TABLE `updates` (
	`chain` text NOT NULL,
	`update_id` text NOT NULL,
	`run` integer NOT NULL,
	`delivered` integer NOT NULL,
	`accepted` integer NOT NULL,
	`outcome` integer NOT NULL,
	PRIMARY KEY(`chain`, `update_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `updates_run` ON `updates` (`run`,`outcome`);