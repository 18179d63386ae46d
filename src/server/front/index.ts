export { loading, type StateHeaders, safeHeaders } from './answers.js';
export { ServerCertificate, type TlsFiles } from './certificate.js';
export { Front, type FrontOptions } from './front.js';
export { PROBLEM_TYPE, problemOf } from './problem.js';
export { bearerOf, ensureToken, tokenMatches } from './token.js';
export { addToken, LOCAL, readTokens, removeToken, type Scope, TokenBook, tokensFile } from './token-book.js';
