export function romModule(): string;
