CREATE TABLE `publications` (
	`id` integer PRIMARY KEY NOT NULL,
	`queue` text NOT NULL,
	`workflow_id` text NOT NULL,
	`message_id` text NOT NULL,
	`time` integer NOT NULL,
	`due` integer NOT NULL,
	`body` blob NOT NULL,
	`headers` blob
);
--> statement-breakpoint
CREATE INDEX `publications_queue` ON `publications` (`queue`);