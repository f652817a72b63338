// soda-js 0.2.3 as installed from npm, doing its producer's main job. node soda_js.js HOST:PORT DATASET USER PASSWORD
// Prints a line a step: the step's name and the JSON that the library handed to its caller.
const soda = require('soda-js');
const [site, dataset, username, password] = process.argv.slice(2);
const producer = new soda.Producer(site, { username, password, apiToken: 'TOKEN' });
const consumer = new soda.Consumer(site, { username, password, apiToken: 'TOKEN' });

function step(name, operation) {
  return new Promise((resolve, reject) => {
    operation.on('success', (data) => { console.log(name, JSON.stringify(data)); resolve(data); })
      .on('error', (error) => { reject(new Error(name + ' failed: ' + JSON.stringify(error))); });
  });
}

(async () => {
  const row = await step('add', producer.operation().withDataset(dataset).add({ mynum: 42, mytext: 'hello', mymoney: 999.99 }));
  await step('addmany', producer.operation().withDataset(dataset).add([{ mytext: 'two', mynum: 2 }, { mytext: 'three', mynum: 3 }]));
  await step('update', producer.operation().withDataset(dataset).update(row[':id'], { mytext: 'goodbye' }));
  await step('replace', producer.operation().withDataset(dataset).replace(row[':id'], { mytext: 'all new' }));
  await step('delete', producer.operation().withDataset(dataset).delete(row[':id']));
  await step('read', consumer.query().withDataset(dataset).limit(5).order('mynum').getRows());
  await step('truncate', producer.operation().withDataset(dataset).truncate());
})().catch((error) => { console.error(error.message); process.exit(1); });
