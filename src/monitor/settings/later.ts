/**
 * Settings of the documented product that this version does not have yet. They are refused by name: a setting that is
 * accepted and does nothing is worse than none.
 */
export const laterSettings: Readonly<Record<string, string>> = {
  'inventory.engine': 'list the hosts in inventory.hosts or inventory.files',
};
