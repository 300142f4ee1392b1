/** Name of the file that makes a directory an application. */
export const lockFileName = "wippy.lock";
