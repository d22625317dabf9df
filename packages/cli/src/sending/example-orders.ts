/**
 * The orders of the demo: one a line, in the order of time, from a fixed seed, the same each time. Customers are shops
 * and kitchens all over the world, since a demo that only ever carries ASCII hides the mistakes users meet first.
 */
const ORDERS = 5000;
const CUSTOMERS = 480;

/** Mulberry32: 32 bits of state are plenty for an example file. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Region {
  readonly country: string;
  readonly currency: string;
  readonly cities: readonly string[];
  readonly kinds: readonly string[];
  readonly places: readonly string[];
  readonly join: string;
}

const regions: readonly Region[] = [
  {
    country: 'DE',
    currency: 'EUR',
    cities: ['Kiel', 'Lübeck', 'Köln', 'München'],
    kinds: ['Bäckerei', 'Rösterei', 'Käserei', 'Feinkost'],
    places: ['am Südkai', 'zur Förde', 'Lindenstraße', 'Altes Stellwerk'],
    join: ' ',
  },
  {
    country: 'FR',
    currency: 'EUR',
    cities: ['Saint-Étienne', 'Nîmes', 'Besançon', 'Lyon'],
    kinds: ['Épicerie', 'Pâtisserie', 'Crêperie', 'Fromagerie'],
    places: ['du Vieux-Port', "de l'Île", 'des Chênes', 'du Marché'],
    join: ' ',
  },
  {
    country: 'PL',
    currency: 'PLN',
    cities: ['Łódź', 'Gdańsk', 'Kraków', 'Poznań'],
    kinds: ['Piekarnia', 'Palarnia kawy', 'Cukiernia'],
    places: ['pod Dębem', 'na Wyspie', 'Złota Brama', 'nad Wisłą'],
    join: ' ',
  },
  {
    country: 'TR',
    currency: 'TRY',
    cities: ['İzmir', 'Eskişehir', 'Çanakkale'],
    kinds: ['Fırını', 'Kahvesi', 'Lokantası'],
    places: ['Gümüşlük', 'Ilıca', 'Köprübaşı', 'Şirince'],
    join: ' ',
  },
  {
    country: 'GR',
    currency: 'EUR',
    cities: ['Θεσσαλονίκη', 'Πάτρα', 'Χανιά'],
    kinds: ['Φούρνος', 'Καφενείο', 'Παντοπωλείο'],
    places: ['του Λιμανιού', 'της Γωνιάς', 'του Βράχου'],
    join: ' ',
  },
  {
    country: 'JP',
    currency: 'JPY',
    cities: ['東京', '大阪', '金沢', '札幌'],
    kinds: ['寿司店', 'パン工房', '珈琲店', '食堂'],
    places: ['さくら', '川端', '北町', 'みなと'],
    join: '',
  },
  {
    country: 'IN',
    currency: 'INR',
    cities: ['मुंबई', 'पुणे', 'ಬೆಂಗಳೂರು'],
    kinds: ['भोजनालय', 'मिठाई घर', 'चाय घर'],
    places: ['नदी किनारे', 'पुराना बाज़ार', 'नया चौक'],
    join: ' ',
  },
  {
    country: 'US',
    currency: 'USD',
    cities: ['Portland', 'San José', 'New Orleans', 'Duluth'],
    kinds: ['Bakery', 'Coffee Roasters', 'Diner', 'Tacos 🌮'],
    places: ['Harbor', 'Fourth Street', 'Old Mill', 'Lakeside'],
    join: ' ',
  },
];

const products = [
  ['flour-t65-25kg', 'Farine T65, 25 kg', 2890],
  ['coffee-yirga-1kg', 'Yirgacheffe, ganze Bohne, 1 kg', 2450],
  ['matcha-100g', '抹茶 100 g', 1980],
  ['olive-oil-5l', 'Ελαιόλαδο 5 L', 5490],
  ['gouda-half', 'Gouda, half wheel', 6200],
  ['jalapeno-jar', 'Jalapeños en escabeche', 640],
  ['chai-500g', 'मसाला चाय 500 g', 890],
  ['tahini-1kg', 'Tahin 1 kg', 1150],
  ['rice-koshi-10kg', 'コシヒカリ 10 kg', 4300],
  ['yeast-fresh', 'Frische Hefe', 120],
  ['butter-10kg', 'Beurre doux, 10 kg', 8900],
  ['sugar-25kg', 'Cukier kryształ 25 kg', 2640],
  ['cups-paper-500', 'Paper cups, 500', 3150],
  ['napkins-1000', 'Serviettes (1 000)', 1420],
  ['vanilla-20', 'Vanille Bourbon, 20 gousses', 3990],
] as const;

const channels = ['web', 'web', 'web', 'app', 'app', 'phone', 'edi'] as const;
const notes = [
  'Bitte an der Rückseite klingeln',
  'Laisser à l’accueil',
  'Deliver before 7:00',
  'クール便でお願いします',
  'fragile — glass',
  'Nie dzwonić po 18',
];

/** 5,000 orders as JSON. */
export function* exampleOrders(): Generator<string> {
  const random = seeded(20_260_301);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  /** Few are chosen often, many seldom: what real keys look like. */
  const pickSkewed = <T>(list: readonly T[]): T => list[Math.floor(random() ** 2.2 * list.length)]!;

  const customers = Array.from({ length: CUSTOMERS }, (_, index) => {
    const region = pick(regions);
    const name = [pick(region.kinds), pick(region.places)];
    if (region.country === 'JP' || region.country === 'US' || region.country === 'TR') name.reverse();
    return {
      id: `c-${String(10_000 + index * 7)}`,
      name: name.join(region.join),
      city: pick(region.cities),
      country: region.country,
      currency: region.currency,
    };
  });

  let placedAtMs = Date.UTC(2026, 2, 2, 5, 30);
  for (let index = 0; index < ORDERS; index++) {
    placedAtMs += 1 + Math.floor(-Math.log(1 - random()) * 21_000);
    const customer = pickSkewed(customers);
    const items = Array.from({ length: 1 + Math.floor(random() ** 2 * 4) }, () => {
      const [sku, title, priceMinor] = pickSkewed(products);
      return { sku, title, quantity: 1 + Math.floor(random() ** 3 * 12), priceMinor };
    });
    const order: Record<string, unknown> = {
      orderId: `o-${String(100_000 + index)}`,
      customerId: customer.id,
      customer: customer.name,
      city: customer.city,
      country: customer.country,
      placedAt: new Date(placedAtMs).toISOString(),
      channel: pick(channels),
      items,
      currency: customer.currency,
      totalMinor: items.reduce((sum, item) => sum + item.quantity * item.priceMinor, 0),
    };
    if (random() < 0.08) order['note'] = pick(notes);
    yield JSON.stringify(order);
  }
}
