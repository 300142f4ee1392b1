CREATE TABLE `attributes` (
	`run` integer NOT NULL,
	`key` text NOT NULL,
	`position` integer NOT NULL,
	`text` text,
	`number` real,
	PRIMARY KEY(`run`, `key`, `position`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `attributes_text` ON `attributes` (`key`,`text`,`run`);--> statement-breakpoint
CREATE INDEX `attributes_number` ON `attributes` (`key`,`number`,`run`);--> statement-breakpoint
CREATE INDEX `runs_entry` ON `runs` (`entry`,`run`);--> statement-breakpoint
CREATE INDEX `runs_start` ON `runs` (`start_time`,`run`);