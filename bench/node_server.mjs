// What one would otherwise write in an afternoon: node:https, better-sqlite3, one transaction a request. It upserts an array of rows
// by their key, takes HTTP Basic, and answers with the counts. No types are checked, nothing is refused row by row: less than Seltzer does.
//
//   node node_server.mjs MODULES DB CERTIFICATE KEY VIEW AUTH     MODULES holds node_modules; VIEW is the document of POST /api/views;
//                                                                 AUTH is user:password. Prints "ready PORT".
import crypto from 'node:crypto'
import fs from 'node:fs'
import https from 'node:https'
import { createRequire } from 'node:module'

const [modules, file, certificate, key, view, auth] = process.argv.slice(2)
const Database = createRequire(`${modules}/`)('better-sqlite3')

const { columns, metadata } = JSON.parse(view)
const names = columns.map(c => c.fieldName)
const storage = { number: 'REAL', checkbox: 'INTEGER' }
const id = metadata.rowIdentifier

const db = new Database(file)
db.pragma('journal_mode = WAL')
db.pragma('synchronous = FULL')
db.pragma('cache_size = -65536')
db.exec(`CREATE TABLE rows (${columns.map(c => `${c.fieldName} ${storage[c.dataTypeName] ?? 'TEXT'}`)}, PRIMARY KEY (${id}))`)
const upsert = db.prepare(`INSERT INTO rows VALUES (${names.map(() => '?')})
    ON CONFLICT (${id}) DO UPDATE SET ${names.filter(n => n !== id).map(n => `${n} = excluded.${n}`)}`)
const count = db.prepare('SELECT count(*) FROM rows').pluck()

function valueOf(v) {
    if (v === undefined || v === null) return null
    if (typeof v === 'boolean') return v ? 1 : 0
    return typeof v === 'object' ? JSON.stringify(v) : v
}

const write = db.transaction(rows => {
    const before = count.get()
    for (const row of rows) upsert.run(names.map(n => valueOf(row[n])))
    const created = count.get() - before
    return { 'Rows Created': created, 'Rows Updated': rows.length - created }
})

const wanted = crypto.createHash('sha256').update(`Basic ${Buffer.from(auth).toString('base64')}`).digest()

function mayCome(request) {
    return crypto.timingSafeEqual(crypto.createHash('sha256').update(request.headers.authorization ?? '').digest(), wanted)
}

function answer(response, status, body) {
    const text = JSON.stringify(body)
    response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }).end(text)
}

const server = https.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) }, async (request, response) => {
    if (!mayCome(request)) return answer(response, 401, { error: true, message: 'who are you?' })
    const pieces = []
    for await (const piece of request) pieces.push(piece)
    try {
        answer(response, 200, write(JSON.parse(Buffer.concat(pieces).toString())))
    } catch (e) {
        answer(response, 400, { error: true, message: e.message })
    }
})
server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`))
